//! ONNX Runtime: the shared library, its one environment per process, and pools of sessions. Knows no model.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    path::{Path, PathBuf},
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use ort::{environment::Environment, session::Session};

use crate::EngineError;

/// The loaded library. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    library: PathBuf,
}

/// ONNX Runtime allows one environment per process.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

impl Runtime {
    /// Loads `libonnxruntime.so`; a second call gives the same runtime, and fails if it names another library.
    pub fn load(library: &Path) -> Result<Self, EngineError> {
        let unusable = |problem: String| EngineError::RuntimeUnusable { path: library.to_owned(), problem };
        if !library.is_file() {
            return Err(EngineError::ModelMissing { path: library.to_owned() });
        }
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            let is_same = runtime.library == library;
            return if is_same {
                Ok(runtime.clone())
            } else {
                Err(unusable(format!("{} is loaded already", runtime.library.display())))
            };
        }
        let builder = ort::init_from(library).map_err(|error| unusable(error.to_string()))?;
        let environment = builder.build().map_err(|error| unusable(error.to_string()))?;
        let runtime = Self { environment, library: library.to_owned() };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// Sessions on a model file, at most `max_sessions` (at least one): so many threads can use it at a time. The
    /// first is opened now, so that a broken file shows at the start; the others when they are first needed.
    pub fn pool(&self, model: &Path, max_sessions: usize) -> Result<SessionPool, EngineError> {
        let first = self.open(model)?;
        Ok(SessionPool {
            runtime: self.clone(),
            model: model.to_owned(),
            max_sessions: max_sessions.max(1),
            state: Mutex::new(PoolState { idle: vec![first], opened: 1 }),
            returned: Condvar::new(),
        })
    }

    /// One thread per session, and no spinning: the caller's threads are the parallelism, and a shared machine
    /// should not burn cores on waiting.
    fn open(&self, model: &Path) -> Result<Session, EngineError> {
        if !model.is_file() {
            return Err(EngineError::ModelMissing { path: model.to_owned() });
        }
        let builder = Session::builder(&self.environment)?;
        let builder = builder.with_intra_threads(1).map_err(ort::Error::from)?;
        let builder =
            builder.with_config_entry("session.intra_op.allow_spinning", "0").map_err(ort::Error::from)?;
        let mut builder = builder.with_inter_threads(1).map_err(ort::Error::from)?;
        Ok(builder.commit_from_file(model)?)
    }
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime").field("library", &self.library).finish_non_exhaustive()
    }
}

/// Sessions on one model, lent to one thread each.
pub struct SessionPool {
    runtime: Runtime,
    model: PathBuf,
    max_sessions: usize,
    state: Mutex<PoolState>,
    returned: Condvar,
}

struct PoolState {
    idle: Vec<Session>,
    opened: usize,
}

impl SessionPool {
    /// A session for this thread; waits while all are lent.
    pub fn lease(&self) -> Result<Lease<'_>, EngineError> {
        let mut state = self.lock();
        loop {
            if let Some(session) = state.idle.pop() {
                return Ok(Lease { pool: self, session: Some(session) });
            }
            if state.opened < self.max_sessions {
                state.opened += 1;
                drop(state);
                return self.open_another();
            }
            state = self.returned.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn open_another(&self) -> Result<Lease<'_>, EngineError> {
        let opened = self.runtime.open(&self.model);
        if opened.is_err() {
            self.lock().opened -= 1;
            self.returned.notify_one();
        }
        Ok(Lease { pool: self, session: Some(opened?) })
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for SessionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPool").field("model", &self.model).finish_non_exhaustive()
    }
}

/// A session that goes back to its pool when dropped.
pub struct Lease<'a> {
    pool: &'a SessionPool,
    /// `None` only while it is dropped.
    session: Option<Session>,
}

impl Deref for Lease<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.session.as_ref().expect("a lease holds its session until it is dropped")
    }
}

impl DerefMut for Lease<'_> {
    fn deref_mut(&mut self) -> &mut Session {
        self.session.as_mut().expect("a lease holds its session until it is dropped")
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        self.pool.lock().idle.extend(self.session.take());
        self.pool.returned.notify_one();
    }
}
