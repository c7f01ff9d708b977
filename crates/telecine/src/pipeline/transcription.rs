//! Captions that a user gives along: read and understood before a byte of the video is moved. Captions inside of the
//! video are another file's business.

use telecine_media::captions::{Cue, ParseLimits, parse};

use super::fetch::{Bearer, Place};
use super::job::Job;
use super::stop::Stop;
use crate::fault::{Code, Fault};
use crate::index::ModelOption;
use crate::media_store::{self, MediaKey};
use crate::transfer::Transcription;

/// Largest file of captions.
const MAX_BYTES: u64 = 16 << 20;

/// The captions that came with the task, if any did. They are checked even where the index does not ask for what is
/// said: who gives a broken file wants to know.
pub(super) async fn read(job: &Job) -> Result<Option<Vec<Cue>>, Stop> {
    let (address, bytes) = match &job.task.transcription {
        None => return Ok(None),
        Some(Transcription::Object(object)) => {
            let place = Place::of_object(job, object, Bearer::Transcription).await?;
            (place.address(), read_place(job, &place).await?)
        }
        Some(Transcription::Url { url }) => (url.clone(), read_link(job, url).await?),
        Some(Transcription::Upload) => ("the uploaded transcription".to_owned(), read_upload(job).await?),
    };
    let cues = parse(&bytes, &ParseLimits { max_bytes: MAX_BYTES as usize, ..ParseLimits::default() })
        .map_err(|error| Fault::new(Code::TranscriptionInvalid).value(format!("{address}: {error}")))?;
    Ok(job.index.options().contains(&ModelOption::Conversation).then_some(cues))
}

async fn read_place(job: &Job, place: &Place) -> Result<Vec<u8>, Stop> {
    let reading = async {
        let info = place.head().await.map_err(|error| place.stop(error))?;
        check_size(&place.address(), info.size_bytes)?;
        place.read_all(&info).await.map_err(|error| place.stop(error))
    };
    job.unless_cancelled(reading).await?
}

async fn read_link(job: &Job, url: &str) -> Result<Vec<u8>, Stop> {
    let links = job.workshop.links().await?;
    let fetched = job.unless_cancelled(links.fetch(url, MAX_BYTES as usize)).await?;
    Ok(fetched.map_err(|error| Bearer::Transcription.stop(error))?.to_vec())
}

async fn read_upload(job: &Job) -> Result<Vec<u8>, Stop> {
    let (media, key) = (&*job.app().media_store, MediaKey::Transcription(job.task.id));
    let read = async {
        match media.size(&key).await? {
            Some(size_bytes) => check_size("the uploaded transcription", size_bytes)?,
            None => return Ok(None),
        }
        media_store::read_all(media, &key).await
    };
    let absent = || {
        let fault =
            Fault::because(Code::TranscriptionNotExists, "The uploaded transcription is no longer here.");
        fault.remedy("Upload it again.")
    };
    Ok(job.unless_cancelled(read).await??.ok_or_else(absent)?)
}

fn check_size(address: &str, size_bytes: u64) -> Result<(), Fault> {
    if size_bytes <= MAX_BYTES {
        return Ok(());
    }
    Err(Fault::new(Code::TranscriptionInvalid)
        .value(format!("{address}: {size_bytes} bytes"))
        .rule(format!("at most {MAX_BYTES} bytes")))
}
