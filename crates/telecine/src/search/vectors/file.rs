//! Graphs on disk: `INDEX-KIND.usearch` with `INDEX-KIND.json` beside it, which tells the last row and the graph's
//! checksum. Either both fit together or the graph is not used: it can always be made again from the rows.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use super::{Hnsw, VectorIndex};
use crate::ids::IndexId;
use crate::index::ModelRef;
use crate::video::SegmentKind;

/// Counts up whenever graphs of before cannot be used any more.
const FORMAT: u32 = 1;

/// What is saved beside a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Label {
    format: u32,
    model: ModelRef,
    /// The graph holds the rows up to this one.
    pub(super) last_row: i64,
    /// Rows of the sample, all of which are in the graph.
    pub(super) sample: Vec<i64>,
    entries: usize,
    removed: usize,
    bytes: u64,
    blake3: String,
}

/// Where the graph of a kind of segments lies.
#[derive(Debug, Clone)]
pub(super) struct GraphFile {
    graph: PathBuf,
    label: PathBuf,
}

impl GraphFile {
    pub(super) fn new(folder: &Path, index: IndexId, kind: SegmentKind) -> Self {
        let name = format!("{index}-{}", kind.as_str());
        Self { graph: folder.join(format!("{name}.usearch")), label: folder.join(format!("{name}.json")) }
    }

    /// Whose graphs lie in a folder.
    pub(super) fn list(folder: &Path) -> io::Result<Vec<(IndexId, SegmentKind)>> {
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let label = name.to_str().and_then(|name| name.strip_suffix(".json"));
            let parts = label.and_then(|label| label.split_once('-'));
            let parsed = parts.and_then(|(index, kind)| index.parse().ok().zip(SegmentKind::parse(kind)));
            found.extend(parsed);
        }
        Ok(found)
    }

    /// Writes the graph aside, synchronises it, and puts it in place with its label.
    pub(super) fn save(
        &self,
        graph: &Hnsw,
        model: &ModelRef,
        last_row: i64,
        sample: Vec<i64>,
    ) -> anyhow::Result<()> {
        let folder = self.graph.parent().context("graphs lie in a folder")?;
        fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
        let aside = NamedTempFile::new_in(folder).context("make a file for vectors")?;
        graph.save(aside.path())?;
        let (bytes, blake3) = checksum(aside.path())?;
        let label = Label {
            format: FORMAT,
            model: model.clone(),
            last_row,
            sample,
            entries: graph.len(),
            removed: graph.removed(),
            bytes,
            blake3,
        };
        put(aside, &self.graph)?;
        let mut aside = NamedTempFile::new_in(folder).context("make a file for vectors")?;
        serde_json::to_writer_pretty(&mut aside, &label).context("write the label of a graph")?;
        put(aside, &self.label)?;
        File::open(folder).and_then(|folder| folder.sync_all()).context("synchronise the folder of graphs")
    }

    /// The graph, if there is one that fits the model and is whole.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(super) fn load(&self, model: &ModelRef) -> anyhow::Result<Option<(Hnsw, Label)>> {
        let label = match fs::read(&self.label) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            label => label.with_context(|| format!("read {}", self.label.display()))?,
        };
        let label: Label = serde_json::from_slice(&label).context("read the label of a graph")?;
        ensure!(label.format == FORMAT, "its format is {}, not {FORMAT}", label.format);
        ensure!(label.model == *model, "it is of the model {}, not {}", label.model.id, model.id);
        let (bytes, blake3) = checksum(&self.graph)?;
        ensure!((bytes, &blake3) == (label.bytes, &label.blake3), "its checksum is not that of its label");
        let graph = Hnsw::load(&self.graph, model.dim, label.removed)?;
        ensure!(graph.len() == label.entries, "it has {} entries, not {}", graph.len(), label.entries);
        Ok(Some((graph, label)))
    }

    /// Removes both files, if they are there.
    pub(super) fn remove(&self) -> io::Result<()> {
        for file in [&self.label, &self.graph] {
            match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

fn put(aside: NamedTempFile, file: &Path) -> anyhow::Result<()> {
    aside.as_file().sync_all().with_context(|| format!("synchronise {}", file.display()))?;
    aside.persist(file).with_context(|| format!("put {} in place", file.display()))?;
    Ok(())
}

/// Length and BLAKE3.
fn checksum(file: &Path) -> anyhow::Result<(u64, String)> {
    let mut hasher = blake3::Hasher::new();
    let opened = File::open(file).with_context(|| format!("open {}", file.display()))?;
    hasher.update_reader(opened).with_context(|| format!("read {}", file.display()))?;
    Ok((hasher.count(), hasher.finalize().to_hex().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_version_1_is_still_read() {
        let golden = r#"{"format":1,"model":{"id":"m","dim":2},"last_row":7,"sample":[3,5],"entries":6,"removed":1,
            "bytes":100,"blake3":"00"}"#;
        let label: Label = serde_json::from_str(golden).unwrap();
        let model = ModelRef { id: "m".into(), dim: 2 };
        let expected = Label {
            format: FORMAT,
            model,
            last_row: 7,
            sample: vec![3, 5],
            entries: 6,
            removed: 1,
            bytes: 100,
            blake3: "00".into(),
        };
        assert_eq!(label, expected);
    }
}
