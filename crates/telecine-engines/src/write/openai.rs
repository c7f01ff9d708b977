//! Any endpoint that speaks OpenAI's chat completions: the text is streamed, a schema goes along as `response_format`.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::{Instant, timeout_at};

use super::{Finish, WriteError, WriteRequest, Writer, Written};

/// Longest event, and longest answer to a refused request, that is read.
const MAX_EVENT_BYTES: usize = 1 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the endpoint is and what it is asked for.
#[derive(Clone)]
pub struct OpenAiConfig {
    /// Such as `https://api.openai.com/v1`; `/chat/completions` is appended.
    pub endpoint_url: String,
    /// As the endpoint names it.
    pub model: String,
    /// Sent as a bearer token.
    pub api_key: Option<String>,
    /// What the model takes in.
    pub context_tokens: u32,
    /// Requests at once.
    pub requests: usize,
    /// For one text.
    pub timeout: Duration,
}

impl fmt::Debug for OpenAiConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the key.
        f.debug_struct("OpenAiConfig")
            .field("endpoint_url", &self.endpoint_url)
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

/// The endpoint.
#[derive(Debug)]
pub struct OpenAiWriter {
    config: OpenAiConfig,
    client: reqwest::Client,
    permits: Semaphore,
}

impl OpenAiWriter {
    /// Asks nothing yet.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(config: OpenAiConfig) -> Result<Self, WriteError> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A key must not follow a redirect to another host.
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| WriteError::Unavailable(error.to_string()))?;
        let permits = Semaphore::new(config.requests.max(1));
        Ok(Self { config, client, permits })
    }

    fn body(&self, request: &WriteRequest) -> Value {
        let mut body = json!({
            "model": self.config.model,
            "messages": [
                { "role": "system", "content": request.system },
                { "role": "user", "content": request.user },
            ],
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        if let Some(schema) = &request.schema {
            body["response_format"] = json!({
                "type": "json_schema",
                "json_schema": { "name": "answer", "schema": schema.source() },
            });
        }
        body
    }

    async fn stream(&self, request: &WriteRequest, to: &mpsc::Sender<String>) -> Result<Written, WriteError> {
        let url = format!("{}/chat/completions", self.config.endpoint_url.trim_end_matches('/'));
        let mut post = self.client.post(url).json(&self.body(request));
        if let Some(key) = &self.config.api_key {
            post = post.bearer_auth(key);
        }
        let mut response = post.send().await.map_err(|error| self.unreachable(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let mut heard = Heard::default();
        let mut events = Events::default();
        while let Some(part) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            for event in events.add(&part).map_err(|()| self.senseless("an event without an end"))? {
                if event == "[DONE]" {
                    return self.written(heard);
                }
                let event: Value =
                    serde_json::from_str(&event).map_err(|error| self.senseless(&error.to_string()))?;
                if let Some(error) = event.get("error") {
                    return Err(self.failed(&message_of(error)));
                }
                if let Some(text) = heard.take(&event) {
                    to.send(text).await.map_err(|_| WriteError::Cancelled)?;
                }
            }
        }
        // Some endpoints end without a last word.
        self.written(heard)
    }

    fn written(&self, heard: Heard) -> Result<Written, WriteError> {
        let finish = heard.finish.ok_or_else(|| self.failed("the answer broke off"))?;
        let output_tokens = heard.output_tokens.unwrap_or(heard.pieces);
        Ok(Written { finish, input_tokens: heard.input_tokens, output_tokens })
    }

    fn failed(&self, why: &str) -> WriteError {
        let why: String = why.chars().take(300).collect();
        WriteError::Unavailable(format!("the endpoint {} failed: {why}", self.config.endpoint_url))
    }

    fn senseless(&self, why: &str) -> WriteError {
        self.failed(&format!("its answer makes no sense: {why}"))
    }

    fn unreachable(&self, error: &reqwest::Error) -> WriteError {
        let mut why = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            why = format!("{why}: {inner}");
            cause = inner.source();
        }
        self.failed(&why)
    }

    async fn refused(&self, mut response: reqwest::Response) -> WriteError {
        let status = response.status();
        let mut body = Vec::new();
        while let Ok(Some(part)) = response.chunk().await {
            body.extend_from_slice(&part);
            if body.len() > MAX_EVENT_BYTES {
                break;
            }
        }
        let said = serde_json::from_slice::<Value>(&body).map_or_else(
            |_| String::from_utf8_lossy(&body).into_owned(),
            |body| message_of(body.get("error").unwrap_or(&body)),
        );
        let is_too_long = status.as_u16() == 400
            && (said.contains("context_length_exceeded")
                || said.contains("context length")
                || said.contains("context size"));
        if is_too_long {
            return WriteError::TooLong { given: None, limit: Some(self.config.context_tokens.into()) };
        }
        let meaning = match status.as_u16() {
            401 | 403 => "it refuses the key",
            404 => "it does not know the path or the model",
            429 => "it asks to go slower",
            _ => "it refuses the request",
        };
        self.failed(&format!("{meaning} (status {status}): {said}"))
    }
}

#[async_trait]
impl Writer for OpenAiWriter {
    fn model_id(&self) -> &str {
        &self.config.model
    }

    fn context_tokens(&self) -> u32 {
        self.config.context_tokens
    }

    async fn write(&self, request: &WriteRequest, to: &mpsc::Sender<String>) -> Result<Written, WriteError> {
        let _permit = tokio::select! {
            permit = self.permits.acquire() => permit.expect("the semaphore is never closed"),
            () = to.closed() => return Err(WriteError::Cancelled),
        };
        let limit = self.config.timeout;
        tokio::select! {
            ended = timeout_at(Instant::now() + limit, self.stream(request, to)) => {
                ended.unwrap_or(Err(WriteError::TimedOut(limit)))
            }
            () = to.closed() => Err(WriteError::Cancelled),
        }
    }
}

/// What was heard of an answer so far.
#[derive(Default)]
struct Heard {
    pieces: u64,
    finish: Option<Finish>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
}

impl Heard {
    /// Notes an event; its text, if it has one.
    fn take(&mut self, event: &Value) -> Option<String> {
        if let Some(usage) = event.get("usage").filter(|usage| usage.is_object()) {
            self.input_tokens = usage["prompt_tokens"].as_u64();
            self.output_tokens = usage["completion_tokens"].as_u64();
        }
        let choice = event.pointer("/choices/0")?;
        match choice["finish_reason"].as_str() {
            Some("length") => self.finish = Some(Finish::Length),
            Some(_) => self.finish = Some(Finish::Stop),
            None => {}
        }
        let text = choice.pointer("/delta/content")?.as_str().filter(|text| !text.is_empty())?;
        self.pieces += 1;
        Some(text.to_owned())
    }
}

/// Server-sent events out of parts that end anywhere.
#[derive(Default)]
struct Events {
    rest: Vec<u8>,
}

impl Events {
    fn add(&mut self, part: &[u8]) -> Result<Vec<String>, ()> {
        self.rest.extend_from_slice(part);
        let mut events = Vec::new();
        while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            if let Some(data) = line.trim_end().strip_prefix("data:") {
                events.push(data.trim_start().to_owned());
            }
        }
        if self.rest.len() > MAX_EVENT_BYTES { Err(()) } else { Ok(events) }
    }
}

fn message_of(error: &Value) -> String {
    let code = error["code"].as_str().map(|code| format!("{code}: ")).unwrap_or_default();
    match error["message"].as_str() {
        Some(message) => format!("{code}{message}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_whatever_the_parts_they_come_in() {
        let stream = "data: {\"a\":1}\r\n\r\n: a comment\ndata:ü\n\ndata: [DONE]\n\n".as_bytes();
        for size in 1..stream.len() {
            let mut events = Events::default();
            let all: Vec<String> = stream.chunks(size).flat_map(|part| events.add(part).unwrap()).collect();
            assert_eq!(all, ["{\"a\":1}", "ü", "[DONE]"], "parts of {size}");
        }
    }

    #[test]
    fn what_the_endpoint_counts_is_taken_and_pieces_count_where_it_does_not() {
        let mut heard = Heard::default();
        assert_eq!(
            heard.take(&json!({ "choices": [{ "delta": { "content": "a" } }] })),
            Some("a".to_owned())
        );
        heard.take(&json!({ "choices": [{ "delta": {}, "finish_reason": "length" }] }));
        assert_eq!((heard.pieces, heard.finish, heard.output_tokens), (1, Some(Finish::Length), None));
        heard.take(&json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 3 } }));
        assert_eq!((heard.input_tokens, heard.output_tokens), (Some(7), Some(3)));
    }
}
