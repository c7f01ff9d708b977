//! Reads the tensors of a CTranslate2 `model.bin` (version 6), the form in which Whisper base is fetched. Knows the
//! file, not the network.

use std::{collections::HashMap, io, path::Path};

use crate::onnx::ElementType;

/// The only version that is known to be read rightly.
const VERSION: u32 = 6;

/// All tensors by name, in memory (145 MB for Whisper base).
pub(super) struct Weights {
    file: Vec<u8>,
    tensors: HashMap<String, Place>,
}

struct Place {
    shape: Vec<u64>,
    element: Option<ElementType>,
    start: usize,
    end: usize,
}

/// One tensor: its sides and its little-endian bytes.
pub(super) struct Tensor<'a> {
    pub(super) shape: &'a [u64],
    pub(super) element: ElementType,
    pub(super) bytes: &'a [u8],
}

impl Weights {
    /// Fails with `InvalidData` when the file is not what is expected.
    pub(super) fn read(path: &Path) -> io::Result<Self> {
        let file = std::fs::read(path)?;
        let tensors = parse(&file).ok_or_else(|| {
            invalid(format!("{} is not a CTranslate2 model of version {VERSION}", path.display()))
        })?;
        Ok(Self { file, tensors })
    }

    /// The float tensor of this name.
    pub(super) fn get(&self, name: &str) -> io::Result<Tensor<'_>> {
        let place =
            self.tensors.get(name).ok_or_else(|| invalid(format!("the model has no tensor `{name}`")))?;
        let element =
            place.element.ok_or_else(|| invalid(format!("tensor `{name}` does not hold floats")))?;
        Ok(Tensor { shape: &place.shape, element, bytes: &self.file[place.start..place.end] })
    }

    /// Whether the model has a tensor of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }
}

fn parse(file: &[u8]) -> Option<HashMap<String, Place>> {
    let mut cursor = Cursor { file, at: 0 };
    if cursor.u32()? != VERSION {
        return None;
    }
    cursor.string()?;
    cursor.u32()?;
    let count = cursor.u32()?;
    let mut tensors = HashMap::new();
    for _ in 0..count {
        let name = cursor.string()?;
        let rank = cursor.take(1)?[0];
        let shape = (0..rank).map(|_| cursor.u32().map(u64::from)).collect::<Option<Vec<u64>>>()?;
        let (element, size) = match cursor.take(1)?[0] {
            0 => (Some(ElementType::F32), 4),
            4 => (Some(ElementType::F16), 2),
            _ => (None, 0),
        };
        let length = cursor.u32()? as usize;
        let values = shape.iter().try_fold(1u64, |product, &side| product.checked_mul(side))?;
        if size > 0 && values.checked_mul(size)? != length as u64 {
            return None;
        }
        let start = cursor.at;
        cursor.take(length)?;
        tensors.insert(name, Place { shape, element, start, end: cursor.at });
    }
    Some(tensors)
}

struct Cursor<'a> {
    file: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.file.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_le_bytes)
    }

    /// A length in two bytes, then the text with a zero at its end.
    fn string(&mut self) -> Option<String> {
        let length = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        let bytes = self.take(usize::from(length))?;
        String::from_utf8(bytes.strip_suffix(&[0]).unwrap_or(bytes).to_vec()).ok()
    }
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file() -> Vec<u8> {
        let text = |text: &str| [&(text.len() as u16 + 1).to_le_bytes()[..], text.as_bytes(), &[0]].concat();
        let number = |number: u32| number.to_le_bytes().to_vec();
        let tensor =
            [text("a/b"), vec![2], number(2), number(1), vec![0], number(8), vec![1, 2, 3, 4, 5, 6, 7, 8]];
        [number(VERSION), text("Spec"), number(3), number(1), tensor.concat()].concat()
    }

    #[test]
    fn a_tensor_is_found_by_its_name() {
        let tensors = parse(&file()).unwrap();
        let place = &tensors["a/b"];
        assert_eq!(
            (&place.shape[..], place.element, place.end - place.start),
            (&[2, 1][..], Some(ElementType::F32), 8)
        );
    }

    #[test]
    fn a_size_that_contradicts_the_shape_is_refused() {
        let mut file = file();
        let at = file.len() - 12;
        file[at] = 4;
        assert!(parse(&file).is_none());
    }

    proptest! {
        #[test]
        fn broken_files_are_refused_without_harm(cut in 0usize..60, at in 0usize..60, value: u8) {
            let mut file = file();
            let at = at % file.len();
            file[at] = value;
            file.truncate(file.len() - cut % file.len());
            let _ = parse(&file);
        }
    }
}
