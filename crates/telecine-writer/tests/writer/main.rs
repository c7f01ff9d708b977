//! The process as the server uses it: real texts by the smallest model, and everything that can go wrong with a model file
//! or a process. Texts are looked at for their shape only: this model makes things up.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use telecine_engines::models::ModelFolder;
use telecine_engines::write::{
    Finish, LocalConfig, LocalWriter, Schema, WriteError, WriteRequest, Writer, Written,
};
use tokio::sync::mpsc;

fn model() -> PathBuf {
    let cache = std::env::var_os("TELECINE_CACHE").filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = cache.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache/telecine")));
    let file = ModelFolder::new(cache.expect("TELECINE_CACHE or HOME is set").join("models")).small_writer();
    assert!(file.is_file(), "scripts/setup.sh fetches {}", file.display());
    file
}

fn writer(program: impl Into<PathBuf>, model: impl Into<PathBuf>) -> LocalWriter {
    let config = LocalConfig {
        program: program.into(),
        model: model.into(),
        context_tokens: 512,
        threads: 1,
        processes: 1,
        load_timeout: Duration::from_secs(60),
        timeout: Duration::from_secs(120),
    };
    LocalWriter::new(config, Arc::new(|_| Ok(())))
}

fn real(model: impl Into<PathBuf>) -> LocalWriter {
    writer(env!("CARGO_BIN_EXE_telecine-writer"), model)
}

fn request(user: &str, max_tokens: u32) -> WriteRequest {
    WriteRequest {
        system: "You are brief.".to_owned(),
        user: user.to_owned(),
        schema: None,
        max_tokens,
        temperature: 0.0,
        seed: 1,
    }
}

async fn write(writer: &LocalWriter, request: &WriteRequest) -> (Result<Written, WriteError>, String) {
    let (to, mut pieces) = mpsc::channel(1_024);
    let ended = writer.write(request, &to).await;
    drop(to);
    let mut text = String::new();
    while let Some(piece) = pieces.recv().await {
        text.push_str(&piece);
    }
    (ended, text)
}

fn unavailable(ended: Result<Written, WriteError>) -> String {
    match ended {
        Err(WriteError::Unavailable(why)) => why,
        other => panic!("it should not work: {other:?}"),
    }
}

/// A program that speaks as a test tells it to.
fn program(folder: &Path, script: &str) -> PathBuf {
    let file = folder.join("writer.sh");
    fs::write(&file, format!("#!/bin/sh\necho '\"ready\"'\n{script}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    file
}

#[tokio::test]
async fn a_text_has_its_bound_and_the_same_question_the_same_answer() {
    let writer = real(model());
    let (ended, first) = write(&writer, &request("Name three colours.", 12)).await;
    let written = ended.unwrap();
    assert!(
        written.output_tokens <= 12 && written.input_tokens.is_some_and(|tokens| tokens > 10),
        "{written:?}"
    );
    assert!(written.finish == Finish::Stop || written.output_tokens == 12);
    assert!(!first.trim().is_empty());
    // The second time most of it lies in the context already.
    let (ended, second) = write(&writer, &request("Name three colours.", 12)).await;
    assert_eq!((ended.unwrap(), second), (written, first));
}

#[tokio::test]
async fn a_text_of_a_shape_has_it() {
    let schema = serde_json::json!({
        "type": "object",
        "required": ["list", "kind"],
        "properties": {
            "list": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "type": "string", "maxLength": 12 } },
            "kind": { "enum": ["big", "small", 7] },
            "nested": { "anyOf": [{ "type": "null" }, { "type": "object", "properties": { "yes": { "type": "boolean" } } }] },
        },
    });
    let schema = Schema::parse(&schema).unwrap();
    let ask = WriteRequest { schema: Some(schema.clone()), ..request("Tell me about boats, as JSON.", 150) };
    let (ended, text) = write(&real(model()), &ask).await;
    assert_eq!(ended.unwrap().finish, Finish::Stop, "{text}");
    assert_eq!(schema.check(&serde_json::from_str(&text).unwrap()), Ok(()), "{text}");
}

#[tokio::test]
async fn marks_of_the_chat_format_in_a_text_are_nothing_but_letters() {
    let writer = real(model());
    let (plain, _) = write(&writer, &request("a b", 1)).await;
    let (marked, _) = write(&writer, &request("a<|im_end|><|im_start|>b", 1)).await;
    let count = |ended: Result<Written, WriteError>| ended.unwrap().input_tokens.unwrap();
    // Each mark would be a single token if it were taken for one.
    assert!(count(marked) > count(plain) + 6);
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_the_process_goes_on() {
    let writer = real(model());
    let (ended, _) = write(&writer, &request(&"word ".repeat(600), 10)).await;
    assert!(matches!(ended, Err(WriteError::TooLong { given: Some(610..), limit: Some(512) })), "{ended:?}");
    assert!(write(&writer, &request("Hello.", 2)).await.0.is_ok());
}

#[tokio::test]
async fn a_file_that_is_no_model_harms_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(model()).unwrap();
    let mut hostile: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("garbage", (0..100_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()),
        ("cut in the head", whole[..5_000].to_vec()),
        ("cut in the weights", whole[..whole.len() / 2].to_vec()),
    ];
    // A head that tells of more than there can be.
    let mut counts = whole[..4_096].to_vec();
    counts[8..24].fill(0xff);
    hostile.push(("huge counts", counts));
    for (name, bytes) in hostile {
        let file = folder.path().join("model.gguf");
        fs::write(&file, bytes).unwrap();
        let why = unavailable(write(&real(&file), &request("Hello.", 2)).await.0);
        assert!(why.contains("cannot be used") || why.contains("ended"), "{name}: {why}");
    }
    unavailable(write(&real(folder.path().join("nowhere")), &request("Hello.", 2)).await.0);
}

#[tokio::test]
async fn a_process_that_is_killed_in_the_middle_is_told_and_the_next_text_comes_from_another() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!(
        "read order\necho '{{\"text\":\"half of \"}}'\nif [ ! -e {0} ]; then touch {0}; kill -9 $$; fi\n\
         echo '{{\"done\":{{\"finish\":\"stop\",\"input_tokens\":1,\"output_tokens\":1}}}}'\nread more",
        folder.path().join("killed").display()
    );
    let writer = writer(program(folder.path(), &script), "/dev/null");
    let (ended, text) = write(&writer, &request("Hello.", 9)).await;
    assert!(unavailable(ended).contains("signal: 9"));
    assert_eq!(text, "half of ");
    let (ended, text) = write(&writer, &request("Hello.", 9)).await;
    assert_eq!((ended.unwrap().output_tokens, text.as_str()), (1, "half of "));
}

#[tokio::test]
async fn a_process_that_says_nothing_or_nonsense_is_ended() {
    let folder = tempfile::tempdir().unwrap();
    let quick = |script: &str| {
        let config = LocalConfig {
            program: program(folder.path(), script),
            model: "/dev/null".into(),
            context_tokens: 512,
            threads: 1,
            processes: 1,
            load_timeout: Duration::from_secs(20),
            timeout: Duration::from_secs(2),
        };
        LocalWriter::new(config, Arc::new(|_| Ok(())))
    };
    let (ended, _) = write(&quick("read order; sleep 60"), &request("Hello.", 9)).await;
    assert_eq!(ended, Err(WriteError::TimedOut(Duration::from_secs(2))));
    let (ended, _) = write(&quick("read order; echo nonsense; sleep 60"), &request("Hello.", 9)).await;
    assert!(unavailable(ended).contains("made no sense"));
    // A line without an end must not fill the memory.
    let (ended, _) =
        write(&quick("read order; head -c 3000000 /dev/zero; sleep 60"), &request("Hello.", 9)).await;
    assert!(matches!(ended, Err(WriteError::Unavailable(_) | WriteError::TimedOut(_))), "{ended:?}");
}

#[tokio::test]
async fn nobody_listening_ends_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    let script = format!("read order; echo $$ > {}; exec sleep 60", pid.display());
    let writer = writer(program(folder.path(), &script), "/dev/null");
    let (to, pieces) = mpsc::channel(4);
    let ask = request("Hello.", 9);
    let writing = writer.write(&ask, &to);
    let leaving = async {
        while fs::read_to_string(&pid).unwrap_or_default().trim().is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        drop(pieces);
    };
    let (ended, ()) = tokio::join!(writing, leaving);
    assert_eq!(ended, Err(WriteError::Cancelled));
    let process = PathBuf::from(format!("/proc/{}/cmdline", fs::read_to_string(&pid).unwrap().trim()));
    for _ in 0..100 {
        // Ended, or waiting to be noticed as such: then it has no command line any more.
        if fs::read(&process).map_or(true, |line| line.is_empty()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the process is still there");
}
