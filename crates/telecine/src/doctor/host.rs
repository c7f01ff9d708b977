//! What is looked at on this host: the data folder, models, ffmpeg and the walls around it.

use telecine_engines::models::{Manifest, ModelFolder, Presence, presence};
use telecine_media::MediaTools;

use super::Check;
use crate::app::FolderLock;
use crate::config::Config;
use crate::files::DataDir;
use crate::pipeline::default_models_dir;

/// Less free room than this is told.
const LITTLE_ROOM: u64 = 10 << 30;

pub(super) async fn examine(config: &Config) -> Vec<Check> {
    let mut checks = vec![data_folder(config), models(config)];
    checks.extend(media(config).await);
    checks
}

fn data_folder(config: &Config) -> Check {
    let files = DataDir::new(&config.server.data_dir);
    let (name, folder) = ("data folder", files.path().display().to_string());
    if !files.path().exists() {
        return Check::ok(name, format!("{folder} is not there yet; the first start makes it"));
    }
    let probe = files.path().join(".telecine-doctor");
    if let Err(error) = std::fs::write(&probe, b"") {
        let remedy = format!("Make {folder} writable for the user that runs the server.");
        return Check::failed(name, format!("{folder} cannot be written: {error}"), remedy);
    }
    let _ = std::fs::remove_file(&probe);
    let room =
        rustix::fs::statvfs(files.path()).map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize));
    let gib = room as f64 / f64::from(1 << 30);
    if room < LITTLE_ROOM {
        let remedy = "Make room, or move the data folder to a larger disk: videos are fetched into it before they are indexed.";
        return Check::warning(name, format!("{folder} has {gib:.1} GiB left"), remedy);
    }
    let used = match FolderLock::take(&files) {
        Ok(_) => "no server works on it now",
        Err(_) => "a server works on it",
    };
    Check::ok(name, format!("{folder}, {gib:.0} GiB free; {used}"))
}

fn models(config: &Config) -> Check {
    let name = "models";
    let path = config.engines.models_dir.clone().or_else(default_models_dir).unwrap_or_default();
    let folder = ModelFolder::new(path.clone());
    let missing: Vec<String> = Manifest::models()
        .sets
        .iter()
        .filter(|set| set.is_default && !matches!(presence(&folder, set), Presence::There))
        .map(|set| set.name.clone())
        .collect();
    if missing.is_empty() {
        return Check::ok(name, format!("all that are needed are in {}", path.display()));
    }
    Check::failed(name, format!("missing: {}", missing.join(", ")), "Run `telecine models fetch`.")
}

async fn media(config: &Config) -> Vec<Check> {
    let tools = match MediaTools::discover(config.media.clone()).await {
        Ok(tools) => tools,
        Err(error) => {
            let remedy =
                "Install ffmpeg (Debian and Ubuntu: apt install ffmpeg), or name it in the settings.";
            return vec![Check::failed("ffmpeg", error.to_string(), remedy)];
        }
    };
    let sandbox = tools.sandbox_status();
    let walls = if sandbox.is_complete() {
        Check::ok("sandbox around the decoder", sandbox.to_string())
    } else {
        let remedy = "Use a kernel with Landlock (5.13 or later) and seccomp, and do not take them away from the service.";
        Check::warning("sandbox around the decoder", sandbox.to_string(), remedy)
    };
    vec![Check::ok("ffmpeg", tools.version()), walls]
}
