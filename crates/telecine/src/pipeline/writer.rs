//! The writer of a server: which model or endpoint stands behind the settings, and the bound on those who wait for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use telecine_engines::EngineError;
use telecine_engines::models::ModelFolder;
use telecine_engines::write::{
    LocalConfig, LocalWriter, OpenAiConfig, OpenAiWriter, WriteError, WriteRequest, Writer, Written,
};
use telecine_media::Policy;
use tokio::sync::{Semaphore, mpsc};

use super::engines::{LoadError, default_models_dir};
use crate::config::{Config, WriterConfig, WriterKind};

/// The program beside the server's own.
const PROGRAM: &str = "telecine-writer";
/// A process lives long; its time is bounded text by text, by whoever listens.
const CPU_S: u64 = 30 * 24 * 3600;
const OPEN_FILES: u64 = 64;

/// The writer that the settings ask for; none when they ask for none, or say nothing and there is nothing to run.
///
/// # Errors
/// A setting that is missing, a model or program that is not there, a key that cannot be read.
pub fn open_writer(config: &Config) -> Result<Option<Arc<dyn Writer>>, LoadError> {
    let writer = &config.writer;
    let inner: Arc<dyn Writer> = match writer.kind {
        Some(WriterKind::None) => return Ok(None),
        Some(WriterKind::Openai) => Arc::new(endpoint(writer)?),
        Some(WriterKind::Local) => {
            let (program, model) = (program(writer), model_file(config)?);
            for path in [&program, &model] {
                if !path.is_file() {
                    return Err(EngineError::ModelMissing { path: path.clone() }.into());
                }
            }
            Arc::new(local(writer, program, model))
        }
        None => {
            let (program, model) = (program(writer), model_file(config)?);
            if !program.is_file() || !model.is_file() {
                return Ok(None);
            }
            Arc::new(local(writer, program, model))
        }
    };
    Ok(Some(Arc::new(Bounded { inner, places: Semaphore::new(writer.max_waiting) })))
}

fn local(writer: &WriterConfig, program: PathBuf, model: PathBuf) -> LocalWriter {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as u32;
    let (walled_program, walled_model, memory_bytes) = (program.clone(), model.clone(), writer.memory_bytes);
    let confine = move |command: &mut std::process::Command| {
        let policy = Policy {
            program: walled_program.clone(),
            read: vec![walled_model.clone(), "/proc/cpuinfo".into(), "/proc/meminfo".into()],
            inherit: Vec::new(),
            cpu_s: CPU_S,
            address_space_bytes: memory_bytes,
            file_bytes: 0,
            open_files: OPEN_FILES,
        };
        policy.confine(command).map_err(std::io::Error::other)
    };
    let local = LocalConfig {
        program,
        model,
        context_tokens: writer.context_tokens,
        threads: writer.threads.unwrap_or(cores),
        processes: writer.processes,
        load_timeout: Duration::from_secs(writer.load_timeout_s),
        timeout: Duration::from_secs(writer.timeout_s),
    };
    LocalWriter::new(local, Arc::new(confine))
}

fn program(writer: &WriterConfig) -> PathBuf {
    let beside = || std::env::current_exe().ok().map(|own| own.with_file_name(PROGRAM));
    let path = writer.program.clone().or_else(beside).unwrap_or_else(|| PROGRAM.into());
    // The walls are built for the file itself.
    path.canonicalize().unwrap_or(path)
}

fn model_file(config: &Config) -> Result<PathBuf, LoadError> {
    let path = match &config.writer.model_file {
        Some(file) => file.clone(),
        None => {
            let folder = config.engines.models_dir.clone().or_else(default_models_dir);
            ModelFolder::new(folder.ok_or(LoadError::NoModelFolder)?).writer()
        }
    };
    Ok(path.canonicalize().unwrap_or(path))
}

fn endpoint(writer: &WriterConfig) -> Result<OpenAiWriter, LoadError> {
    let unset = |key: &'static str| LoadError::WriterSettingMissing(key);
    let api_key = match (&writer.api_key_file, &writer.api_key_variable) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file);
            let text =
                text.map_err(|source| LoadError::WriterKey { from: file.display().to_string(), source })?;
            Some(text.trim().to_owned())
        }
        (None, Some(name)) => match std::env::var(name) {
            Ok(key) => Some(key),
            Err(error) => {
                let source = std::io::Error::other(error);
                return Err(LoadError::WriterKey { from: format!("the variable {name}"), source });
            }
        },
        (None, None) => None,
    };
    let writer = OpenAiWriter::new(OpenAiConfig {
        endpoint_url: writer.endpoint_url.clone().ok_or_else(|| unset("writer.endpoint_url"))?,
        model: writer.model.clone().ok_or_else(|| unset("writer.model"))?,
        api_key,
        context_tokens: writer.context_tokens,
        requests: writer.requests,
        timeout: Duration::from_secs(writer.timeout_s),
    });
    writer.map_err(|error| LoadError::Writer(error.to_string()))
}

/// Refuses who would have to wait behind too many others.
struct Bounded {
    inner: Arc<dyn Writer>,
    places: Semaphore,
}

#[async_trait]
impl Writer for Bounded {
    fn model_id(&self) -> &str {
        self.inner.model_id()
    }

    fn context_tokens(&self) -> u32 {
        self.inner.context_tokens()
    }

    async fn write(&self, request: &WriteRequest, to: &mpsc::Sender<String>) -> Result<Written, WriteError> {
        let _place = self.places.try_acquire().map_err(|_| WriteError::Busy)?;
        self.inner.write(request, to).await
    }
}
