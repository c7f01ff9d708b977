//! A request whose parameters may come with files: as a form the files go to disk, in any other shape there are none.

use axum::extract::Request;

use super::multipart::{FileLimit, FormReader, Upload};
use super::params::{Params, media_type};
use crate::app::App;
use crate::fault::{Error, Fault};

/// Files of one request.
const MAX_FILES: usize = 16;

/// What was sent. The files are removed when this is dropped, unless they were moved away.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) params: Params,
    files: Vec<(String, Upload)>,
}

impl Form {
    /// Reads a request. Parts of `file_names` are files, each at most as large as `limit` says for its name.
    pub(super) async fn read<'a>(
        app: &App,
        request: Request,
        file_names: &'static [&'static str],
        limit: impl Fn(&str) -> FileLimit<'a>,
    ) -> Result<Self, Error> {
        let texts_bytes = app.config.server.max_body_bytes;
        if media_type(request.headers()) != "multipart/form-data" {
            return Ok(Self { params: Params::read(request, texts_bytes).await?, files: Vec::new() });
        }
        let mut form = FormReader::open(request, file_names, texts_bytes)?;
        let mut files = Vec::new();
        while let Some(part) = form.next_file().await? {
            if files.len() == MAX_FILES {
                return Err(Fault::parameter("The form has too many files.")
                    .rule(format!("at most {MAX_FILES}"))
                    .into());
            }
            let name = part.name.clone();
            let limit = limit(&name);
            let upload = part.store(&app.files, limit).await?;
            let metadata = tokio::fs::metadata(&upload.path).await.map_err(anyhow::Error::from)?;
            // A file without a byte is an SDK's way to force a form.
            if metadata.len() > 0 {
                files.push((name, upload));
            }
        }
        Ok(Self { params: form.into_params(), files })
    }

    /// The files of a part's name, in their order.
    pub(super) fn files<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Upload> {
        self.files.iter().filter(move |(given, _)| given == name).map(|(_, file)| file)
    }
}
