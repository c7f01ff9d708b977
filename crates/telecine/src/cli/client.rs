//! The HTTP client of all commands that talk to a server. Knows paths and answers only as far as every request has
//! them in common.

use std::collections::HashMap;

use bytes::Bytes;
use clap::Args;
use futures::StreamExt;
use futures::stream::BoxStream;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::{Method, RequestBuilder, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::failure::{Failure, Outcome, Refusal};

/// The version of the contract that the commands speak.
const VERSION: &str = "v1.2";
/// What may stand in a part of a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Where a server is looked for when nobody says where.
const USUAL_URL: &str = "http://127.0.0.1:8080";

// No doc comment here: clap would take it for the description of the command. Its own reading of the environment would
// show these flags in every usage line.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct ServerArgs {
    /// Base address of the server [env: TELECINE_URL] [default: http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL")]
    url: Option<String>,
    /// API key; better given by the environment, for command lines can be seen by others on the
    /// machine [env: TELECINE_API_KEY]
    #[arg(long, global = true, value_name = "KEY")]
    key: Option<String>,
    /// Print the server's JSON instead of text for people
    #[arg(long, global = true)]
    pub(super) json: bool,
}

/// Talks to one server.
#[derive(Debug)]
pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    key: String,
}

impl Client {
    /// A client for the server that the command line names.
    pub(super) fn new(args: &ServerArgs) -> Outcome<Self> {
        let url =
            args.url.clone().or_else(|| variable("TELECINE_URL")).unwrap_or_else(|| USUAL_URL.to_owned());
        let usage = |problem: &dyn std::fmt::Display| {
            Failure::Usage(format!(
                "`{url}` is not the address of a server ({problem}); write it as {USUAL_URL}"
            ))
        };
        let mut base = Url::parse(&url).map_err(|problem| usage(&problem))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(usage(&"it must begin with http:// or https://"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        let key = args.key.clone().or_else(|| variable("TELECINE_API_KEY")).ok_or_else(|| {
            Failure::Usage(
                "no API key: set TELECINE_API_KEY or give --key\n  The first start of `telecine serve` shows one; \
                 `telecine key create NAME` makes another."
                    .to_owned(),
            )
        })?;
        let mut http = reqwest::Client::builder().user_agent(concat!("telecine/", env!("CARGO_PKG_VERSION")));
        if is_this_machine(&base) {
            // No proxy has any business between this machine and itself.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Failure::Local(error.into()))?;
        Ok(Self { http, base, key })
    }

    /// The answer to a GET.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Outcome<T> {
        let response = self.send(self.request(Method::GET, path).query(query)).await?;
        self.parsed(response).await
    }

    /// The answer to a POST of JSON.
    pub(super) async fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Outcome<T> {
        let response = self.send(self.request(Method::POST, path).json(body)).await?;
        self.parsed(response).await
    }

    /// The answer to a PATCH of JSON.
    pub(super) async fn patch<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Outcome<T> {
        let response = self.send(self.request(Method::PATCH, path).json(body)).await?;
        self.parsed(response).await
    }

    /// A PUT of JSON that is answered by nothing.
    pub(super) async fn put(&self, path: &str, body: &Value) -> Outcome {
        self.send(self.request(Method::PUT, path).json(body)).await.map(drop)
    }

    /// A DELETE.
    pub(super) async fn delete(&self, path: &str) -> Outcome {
        self.send(self.request(Method::DELETE, path)).await.map(drop)
    }

    /// The answer to a DELETE.
    pub(super) async fn delete_told<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Outcome<T> {
        let response = self.send(self.request(Method::DELETE, path).query(query)).await?;
        self.parsed(response).await
    }

    /// The answer to a POST of a form with files.
    pub(super) async fn post_form<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
        form: reqwest::multipart::Form,
    ) -> Outcome<T> {
        let response = self.send(self.request(Method::POST, path).query(query).multipart(form)).await?;
        self.parsed(response).await
    }

    /// The bytes of an answer, as they come.
    pub(super) async fn stream<'a>(
        &'a self,
        path: &str,
        query: &[(&str, String)],
    ) -> Outcome<BoxStream<'a, Outcome<Bytes>>> {
        let response = self.send(self.request(Method::GET, path).query(query)).await?;
        Ok(self.chunks(response))
    }

    /// The bytes of an answer to a POST without a body, as they come.
    pub(super) async fn post_stream<'a>(
        &'a self,
        path: &str,
        query: &[(&str, String)],
    ) -> Outcome<BoxStream<'a, Outcome<Bytes>>> {
        let response = self.send(self.request(Method::POST, path).query(query)).await?;
        Ok(self.chunks(response))
    }

    fn chunks(&self, response: Response) -> BoxStream<'_, Outcome<Bytes>> {
        let chunks = response.bytes_stream();
        chunks.map(|chunk| chunk.map_err(|error| self.unreachable(&error))).boxed()
    }

    /// All rows of a list, page by page, but no more than `most`; and how many there are.
    pub(super) async fn list(
        &self,
        path: &str,
        query: &[(&str, String)],
        most: usize,
    ) -> Outcome<(Vec<Value>, u64)> {
        #[derive(Deserialize)]
        struct Page {
            data: Vec<Value>,
            page_info: Option<PageInfo>,
        }
        #[derive(Deserialize)]
        struct PageInfo {
            total_page: Option<u64>,
            total_results: Option<u64>,
        }
        let mut rows = Vec::new();
        for page in 1.. {
            let mut query = query.to_vec();
            query.extend([("page", format!("{page}")), ("page_limit", most.clamp(1, 50).to_string())]);
            let Page { data, page_info } = self.get(path, &query).await?;
            let is_empty = data.is_empty();
            rows.extend(data);
            let pages = page_info.as_ref().and_then(|info| info.total_page).unwrap_or(1);
            if is_empty || page >= pages || rows.len() >= most {
                let total = page_info.and_then(|info| info.total_results).unwrap_or(rows.len() as u64);
                rows.truncate(most);
                return Ok((rows, total));
            }
        }
        unreachable!("a list ends")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{VERSION}{path}", self.base);
        self.http.request(method, url).header("x-api-key", &self.key)
    }

    async fn send(&self, request: RequestBuilder) -> Outcome<Response> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let request_id =
            response.headers().get("x-request-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        let mut refusal: Refusal = serde_json::from_slice(&body).map_err(|_| Failure::Unreachable {
            url: self.base.to_string(),
            problem: format!(
                "what answers there is no Telecine server (status {status}, without its reason)"
            ),
        })?;
        refusal.request_id = refusal.request_id.or(request_id);
        Err(Failure::Refused(Box::new(refusal)))
    }

    async fn parsed<T: DeserializeOwned>(&self, response: Response) -> Outcome<T> {
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        Ok(serde_json::from_slice(&body)?)
    }

    /// The innermost cause is what tells something: "connection refused".
    fn unreachable(&self, error: &reqwest::Error) -> Failure {
        let mut cause: &dyn std::error::Error = error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let url = self.base.as_str().trim_end_matches('/').to_owned();
        Failure::Unreachable { url, problem: without_number(&cause.to_string()) }
    }

    /// The id of the index that a person means by its id or its name.
    pub(super) async fn index_id(&self, given: &str) -> Outcome<String> {
        if given.parse::<crate::ids::IndexId>().is_ok() {
            return Ok(given.to_owned());
        }
        let (rows, _) = self.list("/indexes", &[("index_name", given.to_owned())], 2).await?;
        rows.first().and_then(|index| index["_id"].as_str()).map(str::to_owned).ok_or_else(|| {
            Failure::local(format!(
                "there is no index named `{given}`; `telecine index list` shows what there is"
            ))
        })
    }

    /// The integration that a person means by its id or the name of its bucket.
    pub(super) async fn integration(&self, given: &str) -> Outcome<Value> {
        if given.parse::<crate::ids::IntegrationId>().is_ok() {
            return self.get(&format!("/integrations/{given}"), &[]).await;
        }
        let bucket = given.trim_start_matches("s3://").trim_end_matches('/');
        let all: Value = self.get("/integrations", &[]).await?;
        let found = all["data"].as_array().into_iter().flatten().find(|one| one["bucket"] == bucket);
        found.cloned().ok_or_else(|| {
            Failure::local(format!(
                "no integration owns the bucket `{bucket}`; `telecine integration list` shows what there is"
            ))
        })
    }

    /// Names of videos by their ids.
    pub(super) async fn video_names(
        &self,
        index: &str,
        ids: impl Iterator<Item = &str>,
    ) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for id in ids {
            if names.contains_key(id) {
                continue;
            }
            // A name is a nicety: where it cannot be had, the id is shown.
            let video: Value =
                self.get(&format!("/indexes/{index}/videos/{id}"), &[]).await.unwrap_or(json!({}));
            let name = video["metadata"]["filename"].as_str().unwrap_or(id);
            names.insert(id.to_owned(), name.to_owned());
        }
        names
    }
}

/// `Connection refused (os error 111)` → `connection refused`.
fn without_number(text: &str) -> String {
    let text = text.split(" (os error").next().unwrap_or(text);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// What the environment says, if it says anything.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A part of a path, with all that would mean something in it escaped.
pub(super) fn segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
