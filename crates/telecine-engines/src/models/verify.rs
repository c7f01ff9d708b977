//! Checks a model folder against the manifest: every file's checksum. Changes nothing.

use std::{fmt, io};

use super::{
    fetch::{FetchError, Selection},
    folder::ModelFolder,
    manifest::{Manifest, ModelFile, ModelSet},
    record::{Record, sha256_of, sources_sha256},
};

/// What was checked.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Files that are as they should be.
    pub good: Vec<String>,
    /// Files that are not, in the manifest's order.
    pub bad: Vec<(String, Problem)>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// It is not there.
    Missing,
    /// It cannot be read.
    Unreadable(String),
    /// Its bytes are not the ones that it should have.
    Corrupt,
    /// It was made by another version of our converter, or out of other weights.
    Outdated,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("is missing"),
            Self::Unreadable(why) => write!(f, "cannot be read: {why}"),
            Self::Corrupt => f.write_str("has another checksum than it should"),
            Self::Outdated => f.write_str("was made by another version of Telecine"),
        }
    }
}

impl Report {
    /// Whether all files are as they should be.
    pub fn is_good(&self) -> bool {
        self.bad.is_empty()
    }

    fn add(&mut self, path: &str, problem: Option<Problem>) {
        match problem {
            None => self.good.push(path.to_owned()),
            Some(problem) => self.bad.push((path.to_owned(), problem)),
        }
    }
}

/// Reads every selected file once. Fails only when a set is unknown.
pub fn verify(
    folder: &ModelFolder,
    manifest: &Manifest,
    selection: &Selection,
) -> Result<Report, FetchError> {
    let record = Record::read(folder);
    let mut report = Report::default();
    for set in selection.sets(manifest)? {
        for file in &set.files {
            report.add(&file.path, problem_of(folder, &file.path, &file.sha256));
        }
        let sources = sources_sha256(manifest, set);
        for made in &set.made {
            for path in &made.paths {
                let problem = match record.made.get(path) {
                    Some(entry) if record.is_current(path, made, &sources) => {
                        problem_of(folder, path, &entry.sha256)
                    }
                    _ if folder.path().join(path).exists() => Some(Problem::Outdated),
                    _ => Some(Problem::Missing),
                };
                report.add(path, problem);
            }
        }
    }
    Ok(report)
}

pub(super) fn problem_of(folder: &ModelFolder, path: &str, sha256: &str) -> Option<Problem> {
    match sha256_of(&folder.path().join(path)) {
        Ok((found, _)) if found == sha256 => None,
        Ok(_) => Some(Problem::Corrupt),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Problem::Missing),
        Err(error) => Some(Problem::Unreadable(error.to_string())),
    }
}

/// Whether a set lies in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// All of its files, with their sizes.
    There,
    /// Some of them.
    Incomplete,
    /// None of them.
    Missing,
}

/// Whether the set is there, by sizes alone; [`verify`] reads the files.
pub fn presence(folder: &ModelFolder, set: &ModelSet) -> Presence {
    let path = |path: &str| folder.path().join(path);
    let has_size = |file: &&ModelFile| path(&file.path).metadata().is_ok_and(|m| m.len() == file.size_bytes);
    let fetched = set.files.iter().filter(has_size).count();
    let mut made = set.made.iter().flat_map(|made| &made.paths);
    match fetched {
        0 => Presence::Missing,
        n if n == set.files.len() && made.all(|made| path(made).exists()) => Presence::There,
        _ => Presence::Incomplete,
    }
}
