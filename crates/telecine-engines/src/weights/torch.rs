//! PyTorch checkpoints: the zip form (`data.pkl` and one entry per storage) and the older form (pickles one after the
//! other, then the storages). Finds where each tensor's bytes lie; the pickle reader does the rest.

use std::{
    collections::HashMap,
    io::{Cursor, Read},
    ops::Range,
};

use super::{
    MAX_FILE_SIZE_BYTES, Place, Weights,
    pickle::{Pickle, StoragePlaces, TensorView, Value},
};

/// What the older form starts with: protocol 2 and the 10-byte number 0x1950a86a20f9469cfc6c.
const LEGACY_MAGIC: [u8; 14] =
    [0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const MAX_ZIP_ENTRIES: usize = 20_000;

impl Weights {
    /// `None` when the bytes are no checkpoint, or hold more than tensors in a dictionary.
    pub(super) fn parse_torch(data: Vec<u8>) -> Option<Self> {
        if data.starts_with(b"PK\x03\x04") { parse_zip(&data) } else { parse_legacy(data) }
    }
}

fn parse_legacy(data: Vec<u8>) -> Option<Weights> {
    if !data.starts_with(&LEGACY_MAGIC) {
        return None;
    }
    let mut at = 0;
    let mut next = || {
        let (pickle, value, length) = Pickle::read(&data[at..])?;
        at += length;
        Some((pickle, value))
    };
    let (_magic, _protocol, _sizes) = (next()?, next()?, next()?);
    let (state, dict) = next()?;
    let (keys, Value::List(list)) = next()? else { return None };
    let value_sizes: HashMap<&str, usize> =
        state.storages.iter().map(|storage| (storage.key.as_str(), storage.value_size_bytes)).collect();
    let mut storages = StoragePlaces::new();
    for &key in &keys.lists[list] {
        let key = keys.text(key)?;
        let start = at.checked_add(8)?;
        let length = u64::from_le_bytes(*data.get(at..start)?.first_chunk()?);
        let value_size = *value_sizes.get(key)?;
        at = start.checked_add(usize::try_from(length).ok()?.checked_mul(value_size)?)?;
        storages.insert(key.to_owned(), start..at);
    }
    let places = places(&state, dict, &storages)?;
    Weights::checked(data, places)
}

fn parse_zip(file: &[u8]) -> Option<Weights> {
    let mut archive = zip::ZipArchive::new(Cursor::new(file)).ok()?;
    if archive.len() > MAX_ZIP_ENTRIES {
        return None;
    }
    let pickle_name = archive.file_names().find(|name| name.ends_with("/data.pkl"))?.to_owned();
    let folder = pickle_name.strip_suffix("data.pkl")?;
    let mut data = Vec::new();
    read_entry(&mut archive, &pickle_name, &mut data)?;
    let (state, dict, _) = Pickle::read(&data)?;
    data.clear();
    let mut storages = StoragePlaces::new();
    for storage in &state.storages {
        if storage.is_f32 && !storages.contains_key(&storage.key) {
            let start = data.len();
            read_entry(&mut archive, &format!("{folder}data/{}", storage.key), &mut data)?;
            storages.insert(storage.key.clone(), start..data.len());
        }
    }
    let places = places(&state, dict, &storages)?;
    Weights::checked(data, places)
}

/// All entries together stay within the limit of a file.
fn read_entry(archive: &mut zip::ZipArchive<Cursor<&[u8]>>, name: &str, data: &mut Vec<u8>) -> Option<()> {
    let entry = archive.by_name(name).ok()?;
    let room = MAX_FILE_SIZE_BYTES.checked_sub(data.len() as u64)?;
    if entry.size() > room {
        return None;
    }
    let size = entry.size();
    let read = entry.take(size).read_to_end(data).ok()?;
    (read as u64 == size).then_some(())
}

fn places(state: &Pickle, dict: Value, storages: &StoragePlaces) -> Option<HashMap<String, Place>> {
    let Value::Dict(dict) = dict else { return None };
    let mut places = HashMap::new();
    for &(name, value) in &state.dicts[dict] {
        let (Some(name), Value::Tensor(tensor)) = (state.text(name), value) else { continue };
        let view = &state.tensors[tensor];
        let storage = &state.storages[view.storage];
        if storage.is_f32 {
            places.insert(name.to_owned(), place(view, storages.get(&storage.key)?)?);
        }
    }
    Some(places)
}

fn place(view: &TensorView, storage: &Range<usize>) -> Option<Place> {
    let start = storage.start.checked_add(view.offset.checked_mul(4)?)?;
    let place = Place::strided(view.shape.clone(), view.strides.clone(), start)?;
    (place.bytes.end <= storage.end).then_some(place)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    fn text(text: &str) -> Vec<u8> {
        [b"X", &(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat()
    }

    /// What `torch.save({"w": tensor of 2 × 3 at offset 1})` pickles.
    fn state(class: &str, strides: [u8; 2]) -> Vec<u8> {
        let storage = [
            b"((".to_vec(),
            text("storage"),
            format!("c{class}\n").into(),
            text("0"),
            text("cpu"),
            b"K\x07tQ".to_vec(),
        ];
        [
            b"\x80\x02}(".to_vec(),
            text("w"),
            b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(),
            storage.concat(),
            vec![b'K', 1, b'K', 2, b'K', 3, 0x86, b'K', strides[0], b'K', strides[1], 0x86, 0x89],
            b"ccollections\nOrderedDict\n)RtRu.".to_vec(),
        ]
        .concat()
    }

    fn numbers() -> Vec<u8> {
        (0..7u8).flat_map(|number| f32::from(number).to_le_bytes()).collect()
    }

    fn legacy(state: &[u8]) -> Vec<u8> {
        let keys = [b"\x80\x02](".to_vec(), text("0"), b"e.".to_vec()].concat();
        let length = 7u64.to_le_bytes();
        [&LEGACY_MAGIC[..], b".\x80\x02M\xe9\x03.\x80\x02}.", state, &keys, &length, &numbers()].concat()
    }

    fn zipped(state: &[u8]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in [("net/data.pkl", state), ("net/data/0", &numbers())] {
            archive.start_file(name, SimpleFileOptions::default()).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    const FLOATS: &str = "torch\nFloatStorage";

    #[test]
    fn both_forms_give_the_same_tensor() {
        let state = state(FLOATS, [3, 1]);
        for file in [legacy(&state), zipped(&state)] {
            let weights = Weights::parse_torch(file).unwrap();
            assert_eq!(weights.get_shaped("w", &[2, 3]).unwrap(), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        }
    }

    #[test]
    fn a_pickle_that_would_run_code_is_refused() {
        let hostile = b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.";
        assert!(Weights::parse_torch(legacy(hostile)).is_none());
        assert!(Weights::parse_torch(zipped(hostile)).is_none());
        assert!(Weights::parse_torch(zipped(&state("builtins\neval", [3, 1]))).is_none());
    }

    #[test]
    fn a_transposed_view_is_read_in_its_own_order() {
        let weights = Weights::parse_torch(legacy(&state(FLOATS, [1, 2]))).unwrap();
        assert_eq!(weights.get_shaped("w", &[2, 3]).unwrap(), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    }

    #[test]
    fn a_view_that_repeats_values_or_goes_beyond_its_storage_is_refused() {
        assert!(Weights::parse_torch(legacy(&state(FLOATS, [0, 1]))).is_none());
        assert!(Weights::parse_torch(legacy(&state(FLOATS, [4, 1]))).is_none());
        let mut beyond = state(FLOATS, [3, 1]);
        let offset = beyond.windows(4).position(|bytes| bytes == [b'K', 1, b'K', 2]).unwrap();
        beyond[offset + 1] = 2;
        assert!(Weights::parse_torch(legacy(&beyond)).is_none());
    }

    #[test]
    fn deep_nesting_and_endless_marks_do_no_harm() {
        let nested = [vec![b'N'], vec![0x85; 1_000_000], vec![b'.']].concat();
        assert!(Weights::parse_torch(legacy(&nested)).is_none());
        assert!(Weights::parse_torch(legacy(&vec![b'('; 1_000_000])).is_none());
    }

    proptest! {
        #[test]
        fn random_pickles_are_refused_without_harm(bytes: Vec<u8>) {
            let _ = Weights::parse_torch(legacy(&bytes));
            let _ = Weights::parse_torch(bytes);
        }

        #[test]
        fn broken_files_are_refused_without_harm(at: u16, value: u8, cut: u16, is_zip: bool) {
            let state = state(FLOATS, [3, 1]);
            let mut file = if is_zip { zipped(&state) } else { legacy(&state) };
            let at = usize::from(at) % file.len();
            file[at] = value;
            file.truncate(file.len() - usize::from(cut) % 64);
            let _ = Weights::parse_torch(file);
        }
    }
}
