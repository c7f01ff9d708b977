//! Links that a chunk of an upload is sent to: they need no key, name one chunk, and work for an hour.

use axum::http::HeaderMap;
use hmac::Mac;

use super::links::{LIFETIME, Links, hex, unhex};
use crate::fault::{Code, Fault, Result};
use crate::ids::UploadId;
use crate::time::Timestamp;

impl Links {
    /// The link to send a chunk to, and the moment from which it does not work any more.
    pub(super) async fn chunk_link(
        &self,
        upload: UploadId,
        number: u64,
        request: &HeaderMap,
        now: Timestamp,
    ) -> Result<(String, Timestamp)> {
        let expires = now.after(LIFETIME).as_millis() / 1_000;
        let signature = hex(&self.mac_of(&text(upload, number, expires)).await?.finalize().into_bytes());
        let path = format!("assets/multipart-uploads/{upload}/chunks/{number}");
        let link = format!("{}/{path}?expires={expires}&signature={signature}", self.base(request));
        Ok((link, Timestamp::from_millis(expires * 1_000)))
    }

    /// Refuses a link that is not ours, or too old.
    pub(super) async fn check_chunk(
        &self,
        upload: UploadId,
        number: u64,
        (expires, signature): (&str, &str),
        now: Timestamp,
    ) -> Result<()> {
        let fault = Fault::because(Code::Unauthorized, "The link is not valid, or is too old.")
            .rule("links for chunks work for an hour")
            .remedy("Ask for new links (POST /assets/multipart-uploads/{id}/presigned-urls).");
        let (Ok(expires), Some(signature)) = (expires.parse::<i64>(), unhex(signature)) else {
            return Err(fault.into());
        };
        let is_ours = self.mac_of(&text(upload, number, expires)).await?.verify_slice(&signature).is_ok();
        if is_ours && now.as_millis() / 1_000 < expires { Ok(()) } else { Err(fault.into()) }
    }
}

fn text(upload: UploadId, number: u64, expires: i64) -> String {
    format!("chunk\n{upload}\n{number}\n{expires}")
}
