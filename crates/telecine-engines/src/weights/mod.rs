//! Reads plain weights: named tensors of 32-bit floats out of safetensors files and PyTorch checkpoints. Treats every
//! file as hostile: bounded, runs nothing, never panics. Knows no network.

mod pickle;
mod safetensors;
mod torch;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    ops::Range,
    path::Path,
};

/// No weights that Telecine converts are larger.
const MAX_FILE_SIZE_BYTES: u64 = 1 << 30;

/// The float tensors of a file, in memory. Tensors of other types are left out.
#[derive(Debug)]
pub struct Weights {
    data: Vec<u8>,
    places: HashMap<String, Place>,
}

#[derive(Debug, PartialEq, Eq)]
struct Place {
    shape: Vec<usize>,
    /// How many values lie between neighbours along each side.
    strides: Vec<usize>,
    /// From the first value to the last.
    bytes: Range<usize>,
}

/// One tensor, row by row without gaps.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its sides.
    pub shape: Vec<usize>,
    /// As many values as the sides' product.
    pub values: Vec<f32>,
}

impl Weights {
    /// Reads a `.safetensors` file. Fails with `InvalidData` when it is not one.
    pub fn read_safetensors(path: &Path) -> io::Result<Self> {
        let data = read_bounded(path)?;
        Self::parse_safetensors(data).ok_or_else(|| invalid(format!("{} is not safetensors", path.display())))
    }

    /// Reads a state dictionary that `torch.save` wrote (both the zip and the older form). Fails with `InvalidData`
    /// when the file holds anything but tensors in a dictionary; no pickled code is ever run.
    pub fn read_torch(path: &Path) -> io::Result<Self> {
        let data = read_bounded(path)?;
        Self::parse_torch(data)
            .ok_or_else(|| invalid(format!("{} is not a PyTorch state dictionary", path.display())))
    }

    /// The tensor of this name; fails with `InvalidData` when there is none.
    pub fn get(&self, name: &str) -> io::Result<Tensor> {
        let place =
            self.places.get(name).ok_or_else(|| invalid(format!("the weights have no tensor `{name}`")))?;
        let (stored, _) = self.data[place.bytes.clone()].as_chunks::<4>();
        let values = place.offsets().into_iter().map(|offset| f32::from_le_bytes(stored[offset])).collect();
        Ok(Tensor { shape: place.shape.clone(), values })
    }

    /// The tensor of this name if it has these sides.
    pub fn get_shaped(&self, name: &str, shape: &[usize]) -> io::Result<Vec<f32>> {
        let tensor = self.get(name)?;
        if tensor.shape == shape {
            Ok(tensor.values)
        } else {
            Err(invalid(format!("tensor `{name}` has the sides {:?} instead of {shape:?}", tensor.shape)))
        }
    }

    /// Whether there is a tensor of this name.
    pub fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    fn checked(data: Vec<u8>, places: HashMap<String, Place>) -> Option<Self> {
        places.values().all(|place| place.is_within(data.len())).then_some(Self { data, places })
    }
}

impl Place {
    /// Values in row order from the byte `start` on.
    fn in_rows(shape: Vec<usize>, start: usize) -> Option<Self> {
        let mut strides = vec![0; shape.len()];
        let mut values = 1usize;
        for (stride, &side) in strides.iter_mut().zip(&shape).rev() {
            *stride = values;
            values = values.checked_mul(side)?;
        }
        Self::strided(shape, strides, start)
    }

    /// `None` when the numbers overflow, or when values share their bytes (a small file could then ask for any
    /// amount of memory).
    fn strided(shape: Vec<usize>, strides: Vec<usize>, start: usize) -> Option<Self> {
        if shape.len() != strides.len() {
            return None;
        }
        let values = shape.iter().try_fold(1usize, |product, &side| product.checked_mul(side))?;
        let mut span = usize::from(values > 0);
        if values > 0 {
            for (&side, &stride) in shape.iter().zip(&strides) {
                span = span.checked_add((side - 1).checked_mul(stride)?)?;
            }
        }
        let end = start.checked_add(span.checked_mul(4)?)?;
        (values <= span).then_some(Self { shape, strides, bytes: start..end })
    }

    fn is_within(&self, length: usize) -> bool {
        self.bytes.end <= length
    }

    /// Where each value lies, counted in values; in row order.
    fn offsets(&self) -> Vec<usize> {
        if self.bytes.is_empty() {
            return Vec::new();
        }
        let mut offsets = vec![0];
        for (&side, &stride) in self.shape.iter().zip(&self.strides) {
            offsets =
                offsets.iter().flat_map(|&offset| (0..side).map(move |i| offset + i * stride)).collect();
        }
        offsets
    }
}

fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let size = file.metadata()?.len();
    if size > MAX_FILE_SIZE_BYTES {
        return Err(invalid(format!(
            "{} has {size} bytes, more than the {MAX_FILE_SIZE_BYTES} allowed",
            path.display()
        )));
    }
    let mut data = Vec::with_capacity(size as usize);
    file.take(MAX_FILE_SIZE_BYTES).read_to_end(&mut data)?;
    Ok(data)
}

pub(crate) fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
