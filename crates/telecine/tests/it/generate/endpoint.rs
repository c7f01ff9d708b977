//! An endpoint of the OpenAI kind: what it is asked, how its answers are read, and what its failures mean.

use std::io::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use telecine::config::{Config, WriterConfig, WriterKind};
use telecine::pipeline::open_writer;
use telecine_engines::write::{Finish, Schema, WriteError, WriteRequest, Written};
use tokio::sync::mpsc;

use crate::support::stub::{Reply, Stub};

fn settings(stub: &Stub, more: impl FnOnce(&mut WriterConfig)) -> Config {
    let mut config = Config::default();
    config.writer.kind = Some(WriterKind::Openai);
    config.writer.endpoint_url = Some(format!("{}/v1", stub.url()));
    config.writer.model = Some("small-1".to_owned());
    more(&mut config.writer);
    config
}

fn request() -> WriteRequest {
    WriteRequest {
        system: "Be brief.".to_owned(),
        user: "What?".to_owned(),
        schema: None,
        max_tokens: 20,
        temperature: 0.5,
        seed: 3,
    }
}

async fn write(config: &Config, request: &WriteRequest) -> (Result<Written, WriteError>, String) {
    let writer = open_writer(config).unwrap().expect("a writer is asked for");
    let (to, mut pieces) = mpsc::channel(64);
    let ended = writer.write(request, &to).await;
    drop(to);
    let mut text = String::new();
    while let Some(piece) = pieces.recv().await {
        text.push_str(&piece);
    }
    (ended, text)
}

fn streamed(events: &[Value]) -> Reply {
    let mut body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    body.push_str("data: [DONE]\n\n");
    Reply::new("200 OK", &[("content-type", "text/event-stream")], body)
}

fn piece(text: &str) -> Value {
    json!({ "choices": [{ "index": 0, "delta": { "content": text } }] })
}

fn last(reason: &str) -> Value {
    json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] })
}

#[tokio::test]
async fn an_endpoint_is_asked_with_its_key_and_its_pieces_are_the_text() {
    let stub = Stub::start(|_, _| {
        let usage = json!({ "choices": [], "usage": { "prompt_tokens": 11, "completion_tokens": 4 } });
        streamed(&[piece("A boat "), piece("leaves."), last("stop"), usage])
    })
    .await;
    let mut key = tempfile::NamedTempFile::new().unwrap();
    writeln!(key, "sk-secret").unwrap();
    let config = settings(&stub, |writer| writer.api_key_file = Some(key.path().to_owned()));
    let schema = Schema::parse(&json!({ "type": "string" })).unwrap();
    let asked = WriteRequest { schema: Some(schema), ..request() };
    let (ended, text) = write(&config, &asked).await;
    assert_eq!(text, "A boat leaves.");
    assert_eq!(ended.unwrap(), Written { finish: Finish::Stop, input_tokens: Some(11), output_tokens: 4 });
    let asked = stub.asked();
    assert!(asked[0].head.starts_with("POST /v1/chat/completions "), "{}", asked[0].head);
    assert_eq!(asked[0].header("authorization"), Some("Bearer sk-secret"));
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    assert_eq!(body["messages"][1], json!({ "role": "user", "content": "What?" }));
    assert_eq!((&body["max_tokens"], &body["stream"], &body["seed"]), (&json!(20), &json!(true), &json!(3)));
    assert_eq!(body["response_format"]["json_schema"]["schema"], json!({ "type": "string" }));
}

#[tokio::test]
async fn an_answer_that_is_cut_or_breaks_off_is_told_apart_from_a_whole_one() {
    let stub = Stub::start(|before, _| match before {
        0 => streamed(&[piece("A boat"), last("length")]),
        1 => Reply::cut("200 OK", &[], b"data: {\"choices\":[{\"delta\":{\"content\":\"A\"}}]}\n\n", 900),
        2 => Reply::new("200 OK", &[], "data: {\"error\": {\"message\": \"out of memory\"}}\n\n"),
        _ => Reply::new("200 OK", &[], "data: nonsense\n\n"),
    })
    .await;
    let config = settings(&stub, |_| ());
    let (ended, text) = write(&config, &request()).await;
    assert_eq!((ended.unwrap().finish, text.as_str()), (Finish::Length, "A boat"));
    for told in ["failed", "out of memory", "makes no sense"] {
        let (ended, _) = write(&config, &request()).await;
        let Err(WriteError::Unavailable(why)) = ended else { panic!("{ended:?}") };
        assert!(why.contains(told), "{why}");
    }
}

#[tokio::test]
async fn a_refusal_says_what_it_means_and_a_long_silence_ends() {
    let refusal = |message: &str| json!({ "error": { "message": message } }).to_string();
    let stub = Stub::start(move |before, _| match before {
        0 => Reply::new("401 Unauthorized", &[], refusal("bad key")),
        1 => {
            Reply::new("400 Bad Request", &[], refusal("This model's maximum context length is 4096 tokens"))
        }
        2 => Reply::new("429 Too Many Requests", &[], refusal("slow down")),
        3 => Reply::new("302 Found", &[("location", "http://elsewhere.test/")], ""),
        _ => Reply::raw("HTTP/1.1 200 OK\r\n\r\n").then(Duration::from_secs(60), b""),
    })
    .await;
    let config = settings(&stub, |writer| writer.timeout_s = 1);
    let unavailable = |ended: Result<Written, WriteError>| match ended {
        Err(WriteError::Unavailable(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(unavailable(write(&config, &request()).await.0).contains("refuses the key"));
    assert!(matches!(write(&config, &request()).await.0, Err(WriteError::TooLong { .. })));
    assert!(unavailable(write(&config, &request()).await.0).contains("go slower"));
    assert!(unavailable(write(&config, &request()).await.0).contains("302"), "a key follows no redirect");
    assert!(matches!(write(&config, &request()).await.0, Err(WriteError::TimedOut(_))));
    let mut nobody = settings(&stub, |_| ());
    nobody.writer.endpoint_url = Some("http://127.0.0.1:1/v1".to_owned());
    assert!(unavailable(write(&nobody, &request()).await.0).contains("127.0.0.1:1"));
}

#[tokio::test]
async fn more_than_may_wait_are_refused_at_once() {
    let stub =
        Stub::start(|_, _| Reply::raw("HTTP/1.1 200 OK\r\n\r\n").then(Duration::from_secs(60), b"")).await;
    let config = settings(&stub, |writer| {
        writer.max_waiting = 1;
        writer.timeout_s = 30;
    });
    let writer = open_writer(&config).unwrap().unwrap();
    let (to, _pieces) = mpsc::channel(4);
    let (first, second) = (request(), request());
    let waiting = writer.write(&first, &to);
    tokio::pin!(waiting);
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(writer.write(&second, &to).await, Err(WriteError::Busy));
}

#[test]
fn settings_that_lead_nowhere_are_refused_with_the_setting() {
    let mut config = Config::default();
    config.writer.kind = Some(WriterKind::Openai);
    let refused = |config: &Config| open_writer(config).err().expect("it is refused").to_string();
    assert!(refused(&config).contains("writer.endpoint_url"));
    config.writer.endpoint_url = Some("http://127.0.0.1:1/v1".to_owned());
    config.writer.model = Some("m".to_owned());
    config.writer.api_key_variable = Some("NO_SUCH_VARIABLE_OF_TELECINE".to_owned());
    assert!(refused(&config).contains("NO_SUCH_VARIABLE_OF_TELECINE"));
    config.writer.kind = Some(WriterKind::Local);
    config.writer.model_file = Some("/nowhere/model.gguf".into());
    assert!(refused(&config).contains("missing"));
    config.writer.kind = Some(WriterKind::None);
    assert!(open_writer(&config).unwrap().is_none());
}
