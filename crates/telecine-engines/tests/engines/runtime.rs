//! The pool of sessions: bounded, and waiting threads go on when a session comes back.

use std::{fs, sync::mpsc, thread, time::Duration};

use telecine_engines::{EngineError, runtime::Runtime};

use crate::fixtures::{model, runtime};

#[test]
fn no_more_sessions_are_lent_than_allowed() {
    let pool = runtime().pool(&model("silero-vad/silero_vad.onnx"), 2).unwrap();
    let (first, _second) = (pool.lease().unwrap(), pool.lease().unwrap());
    let (lent, is_lent) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _third = pool.lease().unwrap();
            lent.send(()).unwrap();
        });
        let early = is_lent.recv_timeout(Duration::from_millis(100));
        assert!(early.is_err(), "a third session was lent while two were out");
        drop(first);
        is_lent.recv().expect("the waiting thread goes on when a session comes back");
    });
}

#[test]
fn a_missing_model_names_the_command_that_fetches_it() {
    let error = runtime().pool(std::path::Path::new("no/such/model.onnx"), 1).unwrap_err();
    assert!(matches!(error, EngineError::ModelMissing { .. }));
    assert!(error.to_string().contains("telecine models fetch"), "{error}");
}

#[test]
fn a_broken_model_shows_when_the_pool_is_made() {
    let file = tempfile::NamedTempFile::with_suffix(".onnx").unwrap();
    fs::write(file.path(), b"this is no model").unwrap();
    let error = runtime().pool(file.path(), 1).unwrap_err();
    assert!(matches!(error, EngineError::Inference(_)), "{error}");
}

#[test]
fn a_second_library_in_one_process_is_refused() {
    runtime();
    let other = tempfile::NamedTempFile::new().unwrap();
    let error = Runtime::load(other.path()).unwrap_err();
    assert!(error.to_string().contains("is loaded already"), "{error}");
}
