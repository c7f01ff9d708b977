//! The files of the dashboard as they were at build time, each plain and as it was compressed beside it.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};

include!(concat!(env!("OUT_DIR"), "/dashboard_files.rs"));

/// Paths from the folder of the build, with their bytes.
pub(super) type Table = &'static [(&'static str, &'static [u8])];

/// Codings by the end of the file that has them, best first.
const CODINGS: [(&str, &str); 2] = [(".br", "br"), (".gz", "gzip")];

/// All files, by path.
#[derive(Debug)]
pub(super) struct Files(HashMap<&'static str, File>);

/// A file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) content_type: &'static str,
    /// Best first; the plain one is the last.
    forms: Vec<Form>,
}

/// A file in one coding.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) coding: Option<&'static str>,
    pub(super) bytes: &'static [u8],
    /// Tells these bytes from all others.
    pub(super) tag: String,
}

impl Files {
    pub(super) fn of(table: Table) -> Self {
        let bytes: HashMap<&str, &'static [u8]> = table.iter().copied().collect();
        let is_beside = |path: &str| {
            CODINGS
                .iter()
                .any(|(end, _)| path.strip_suffix(end).is_some_and(|plain| bytes.contains_key(plain)))
        };
        let file = |path: &'static str, plain: &'static [u8]| {
            let compressed = CODINGS.iter().filter_map(|(end, coding)| {
                let bytes = bytes.get(format!("{path}{end}").as_str())?;
                Some(Form::new(Some(*coding), bytes))
            });
            let forms = compressed.chain([Form::new(None, plain)]).collect();
            (path, File { content_type: content_type(path), forms })
        };
        let plain = table.iter().filter(|(path, _)| !is_beside(path));
        Self(plain.map(|(path, bytes)| file(path, bytes)).collect())
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.0.get(path)
    }
}

impl File {
    pub(super) fn is_page(&self) -> bool {
        self.content_type.starts_with("text/html")
    }

    pub(super) fn plain(&self) -> &'static [u8] {
        self.forms.last().map_or(&[], |form| form.bytes)
    }

    pub(super) fn has_several_forms(&self) -> bool {
        self.forms.len() > 1
    }

    /// The best form that whoever sends these headers understands.
    ///
    /// # Panics
    /// Never: there is a plain form, which everybody understands.
    pub(super) fn form_for(&self, headers: &HeaderMap) -> &Form {
        let fits = |form: &&Form| form.coding.is_none_or(|coding| accepts(headers, coding));
        self.forms.iter().find(fits).expect("a plain form")
    }
}

impl Form {
    fn new(coding: Option<&'static str>, bytes: &'static [u8]) -> Self {
        let hash = blake3::hash(bytes).to_hex();
        Self { coding, bytes, tag: format!("\"{}\"", &hash[..32]) }
    }

    /// Whether the client has these very bytes.
    pub(super) fn is_known(&self, headers: &HeaderMap) -> bool {
        let tags = headers.get_all(header::IF_NONE_MATCH).into_iter().filter_map(|tags| tags.to_str().ok());
        let mut tags = tags.flat_map(|tags| tags.split(','));
        tags.any(|tag| tag.trim() == "*" || tag.trim().trim_start_matches("W/") == self.tag)
    }
}

fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|wish| {
        let mut parts = wish.split(';').map(str::trim);
        let is_named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(coding));
        let is_refused = parts.any(|part| {
            part.strip_prefix("q=")
                .and_then(|weight| weight.parse::<f32>().ok())
                .is_some_and(|weight| weight <= 0.0)
        });
        is_named && !is_refused
    })
}

fn content_type(path: &str) -> &'static str {
    let end = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, end)| end);
    match end {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
