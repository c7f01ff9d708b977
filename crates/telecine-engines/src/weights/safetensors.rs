//! The safetensors format: a length, a JSON header, the data. Bounds and copies nothing else.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Place, Weights};

/// The format's own limit on the header.
const MAX_HEADER_BYTES: usize = 100_000_000;

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl Weights {
    /// `None` when the bytes are no safetensors file.
    pub(super) fn parse_safetensors(data: Vec<u8>) -> Option<Self> {
        let header_len = usize::try_from(u64::from_le_bytes(*data.first_chunk()?)).ok()?;
        if header_len > MAX_HEADER_BYTES {
            return None;
        }
        let data_start = header_len.checked_add(8)?;
        let header: HashMap<String, Value> = serde_json::from_slice(data.get(8..data_start)?).ok()?;
        let mut places = HashMap::new();
        for (name, value) in header {
            if name == "__metadata__" {
                continue;
            }
            let entry = Entry::deserialize(value).ok()?;
            if entry.dtype == "F32" {
                let [start, end] = entry.data_offsets;
                let place = Place::in_rows(entry.shape, data_start.checked_add(start)?)?;
                if place.bytes.end != data_start.checked_add(end)? {
                    return None;
                }
                places.insert(name, place);
            }
        }
        Self::checked(data, places)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    const HEADER: &str = r#"{"__metadata__":{"format":"pt"},
        "a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
        "ids":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}"#;

    #[test]
    fn floats_are_found_and_other_types_are_left_out() {
        let mut data = [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat();
        data.extend([0; 8]);
        let weights = Weights::parse_safetensors(file(HEADER, &data)).unwrap();
        assert_eq!(weights.get_shaped("a", &[2, 1]).unwrap(), [1.5, -2.0]);
        assert!(weights.get_shaped("a", &[2]).is_err());
        assert!(!weights.has("ids"));
    }

    #[test]
    fn a_tensor_beyond_the_end_is_refused() {
        assert!(Weights::parse_safetensors(file(HEADER, &[0; 7])).is_none());
    }

    #[test]
    fn a_size_that_contradicts_the_shape_is_refused() {
        let header = HEADER.replace("[2,1]", "[3,1]");
        assert!(Weights::parse_safetensors(file(&header, &[0; 16])).is_none());
        let overflowing = HEADER.replace("[2,1]", "[4611686018427387904,4]");
        assert!(Weights::parse_safetensors(file(&overflowing, &[0; 16])).is_none());
    }

    #[test]
    fn a_tensor_without_values_takes_no_memory_however_large_its_other_side() {
        let header = r#"{"a":{"dtype":"F32","shape":[1000000000000,0],"data_offsets":[0,0]}}"#;
        let weights = Weights::parse_safetensors(file(header, &[])).unwrap();
        assert!(weights.get("a").unwrap().values.is_empty());
    }

    proptest! {
        #[test]
        fn random_bytes_are_refused_without_harm(bytes: Vec<u8>) {
            let _ = Weights::parse_safetensors(bytes);
        }

        #[test]
        fn broken_files_are_refused_without_harm(at in 0usize..240, value: u8, cut in 0usize..240) {
            let mut file = file(HEADER, &[0; 16]);
            let at = at % file.len();
            file[at] = value;
            file.truncate(file.len() - cut % file.len());
            let _ = Weights::parse_safetensors(file);
        }
    }
}
