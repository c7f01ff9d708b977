//! The lines about the bucket and what lies in it.

use std::sync::Arc;

use futures::TryStreamExt;

use super::lines::{Line, Stop};
use super::{Run, is_denied};
use crate::fault::Code;
use crate::integration::decision::is_video;
use crate::integration::diagnosis::{self, Clues};
use crate::integration::{CheckOutcome, Provider, S3Access};
use crate::source::{ObjectInfo, Page, Probe, Source, SourceError, SourceErrorKind, StoreWords};

/// AWS refuses requests of clocks that are further off than 15 minutes; well before that somebody should know.
const MAX_CLOCK_SKEW_S: u64 = 300;
const REFUSED_CLOCK_SKEW_S: u64 = 900;
/// Archived objects that are asked whether they were restored.
const ASKED_ARCHIVED: usize = 3;

const LIST: (Code, &str) = (Code::ListDenied, "s3:ListBucket");
const GET: (Code, &str) = (Code::GetDenied, "s3:GetObject");

impl Run<'_> {
    /// How far our clock is ahead, if that was told.
    pub(super) async fn region(&mut self) -> Result<Option<i64>, Stop> {
        self.list.begin(Line::Region).await;
        match self.with.sources.locate(&self.integration).await {
            Ok(place) => {
                if place.clock_ahead_s.is_some_and(|ahead| ahead.unsigned_abs() >= REFUSED_CLOCK_SKEW_S) {
                    self.clock(place.clock_ahead_s).await?;
                }
                self.found_in(place.region).await;
                Ok(place.clock_ahead_s)
            }
            // The next line tells better what is not allowed.
            Err(error) if matches!(error.kind, SourceErrorKind::Denied | SourceErrorKind::Unsupported) => {
                self.list.note(Line::Region, CheckOutcome::NotSupported, error.to_string()).await;
                Ok(None)
            }
            Err(error) => Err(self.fail_bucket(Line::Region, LIST, &error).await),
        }
    }

    async fn found_in(&mut self, region: Option<String>) {
        match &region {
            Some(region) => self.list.note(Line::Region, CheckOutcome::Ok, region.clone()).await,
            None => {
                let detail = match &self.integration.region {
                    Some(region) => format!("the store tells none; {region} is used"),
                    None => "the store tells none; the server's own is used".to_owned(),
                };
                self.list.note(Line::Region, CheckOutcome::NotSupported, detail).await;
            }
        }
        if region.is_some() {
            self.integration.region.clone_from(&region);
            self.list.verdict.region = region;
        }
    }

    pub(super) async fn open(&mut self) -> Result<Arc<dyn Source>, Stop> {
        match self.with.sources.open_anew(&self.integration).await {
            Ok(source) => Ok(source),
            Err(error) => {
                self.list.begin(Line::List).await;
                Err(self.fail_bucket(Line::List, LIST, &error).await)
            }
        }
    }

    pub(super) async fn list(&mut self, source: &dyn Source) -> Result<Page, Stop> {
        self.list.begin(Line::List).await;
        match self.patiently(is_denied, || source.list("", None, 1000)).await {
            Ok(page) => {
                let more = if page.next.is_some() { "more than " } else { "" };
                let below = match self.integration.prefix.as_str() {
                    "" => String::new(),
                    prefix => format!(" below {prefix}"),
                };
                let detail = format!("{more}{} objects{below}", page.objects.len());
                self.list.note(Line::List, CheckOutcome::Ok, detail).await;
                Ok(page)
            }
            Err(error) => Err(self.fail_bucket(Line::List, LIST, &error).await),
        }
    }

    /// Every request carries the account that must own the bucket: that one was answered says that it does.
    pub(super) async fn owner(&mut self) {
        let Provider::S3(access) = &self.integration.provider else { return };
        let (outcome, detail) = match (&access.owner, &access.endpoint) {
            (Some(owner), _) => {
                (CheckOutcome::Ok, format!("asked for a bucket of account {owner}, and answered"))
            }
            (None, Some(_)) => {
                (CheckOutcome::NotSupported, "stores of this kind have no accounts to ask for".to_owned())
            }
            (None, None) => (
                CheckOutcome::NotNeeded,
                "no account was given; with one, a bucket that was given up and taken by another is refused"
                    .to_owned(),
            ),
        };
        self.list.note(Line::Owner, outcome, detail).await;
    }

    /// The lines about objects: read, head, kms, archived.
    pub(super) async fn objects(&mut self, source: &dyn Source, page: &Page) -> Result<(), Stop> {
        let is_s3 = matches!(self.integration.provider, Provider::S3(_));
        self.list.begin(Line::Read).await;
        let Some(object) = self.readable(source, page).await else {
            return self.nothing_to_read(page).await;
        };
        match self.patiently(is_denied, || first_byte(source, &object)).await {
            Ok(()) => {
                let detail = format!("the first byte of {}", source.address(&object.key));
                self.list.note(Line::Read, CheckOutcome::Ok, detail).await;
            }
            // It went away or changed between the list and now: not a question of what is allowed.
            Err(error) if matches!(error.kind, SourceErrorKind::NotFound | SourceErrorKind::Changed) => {
                self.list.note(Line::Read, CheckOutcome::NotNeeded, error.to_string()).await;
                return Ok(());
            }
            // Some tiers of archives are told by reading only.
            Err(error) if error.kind == SourceErrorKind::Archived => {
                let finding = diagnosis::archived(&self.scene(), &error.to_string(), &[&object.key]);
                self.list.note(Line::Read, CheckOutcome::NotNeeded, error.to_string()).await;
                self.list.warn(Line::Archived, error.to_string(), finding).await;
                return Ok(());
            }
            Err(error) => {
                let finding = self.bucket_finding(GET, &error).await;
                let line = if finding.0.code == Code::KmsDenied { Line::Kms } else { Line::Read };
                return Err(self.fail(line, &error, finding).await);
            }
        }
        self.list.begin(Line::Head).await;
        if let Err(error) = self.patiently(is_denied, || source.head(&object.key)).await
            && !matches!(error.kind, SourceErrorKind::NotFound | SourceErrorKind::Changed)
        {
            return Err(self.fail_bucket(Line::Head, GET, &error).await);
        }
        let detail = format!("{} bytes, {}", object.size_bytes, object.storage_class);
        self.list.note(Line::Head, CheckOutcome::Ok, detail.trim_end_matches([' ', ','])).await;
        if is_s3 {
            self.kms().await;
            self.count_archived(page).await;
        }
        Ok(())
    }

    async fn kms(&mut self) {
        let key = match &self.integration.provider {
            Provider::S3(S3Access { kms_key_arn: Some(key), .. }) => key.clone(),
            _ => {
                let detail = "no key was named, and what was tried could be read";
                return self.list.note(Line::Kms, CheckOutcome::NotNeeded, detail).await;
            }
        };
        self.list
            .note(Line::Kms, CheckOutcome::Ok, format!("what was tried could be read; the key is {key}"))
            .await;
    }

    async fn count_archived(&mut self, page: &Page) {
        let archived = page.objects.iter().filter(|object| object.is_archived).count();
        let of = page.objects.len();
        let (outcome, detail) = match archived {
            0 => (CheckOutcome::Ok, format!("none of the first {of} objects")),
            _ => (
                CheckOutcome::Ok,
                format!("{archived} of the first {of} objects; they are told apart when listed"),
            ),
        };
        self.list.note(Line::Archived, outcome, detail).await;
    }

    async fn nothing_to_read(&mut self, page: &Page) -> Result<(), Stop> {
        let archived: Vec<&str> = page
            .objects
            .iter()
            .filter(|object| object.is_archived)
            .map(|object| object.key.as_str())
            .collect();
        if archived.is_empty() {
            let detail = match page.objects.len() {
                0 => "there is no object to try",
                _ => "none of the first objects has a byte",
            };
            self.list.note(Line::Read, CheckOutcome::NotNeeded, detail).await;
            return Ok(());
        }
        let detail = format!("all of the first {} objects with content are archived", archived.len());
        let finding = diagnosis::archived(&self.scene(), &detail, &archived);
        self.list.note(Line::Read, CheckOutcome::NotNeeded, "there is nothing that could be read now").await;
        self.list.warn(Line::Archived, detail, finding).await;
        Ok(())
    }

    /// The object to try: a video, if the page has one; of archived ones, one that was restored.
    async fn readable(&self, source: &dyn Source, page: &Page) -> Option<ObjectInfo> {
        let with_content = || page.objects.iter().filter(|object| object.size_bytes > 0);
        let mut readable = with_content().filter(|object| !object.is_archived);
        if let Some(first) = readable.next() {
            let video = readable.find(|object| is_video(&object.key)).filter(|_| !is_video(&first.key));
            return Some(video.unwrap_or(first).clone());
        }
        for object in with_content().take(ASKED_ARCHIVED) {
            if let Ok(head) = source.head(&object.key).await
                && !head.is_archived
            {
                return Some(head);
            }
        }
        None
    }

    pub(super) async fn requester_pays(&mut self) {
        let Provider::S3(access) = &self.integration.provider else { return };
        let (outcome, detail) = match access.requester_pays {
            true => (CheckOutcome::Ok, "this server's account pays, with the operator's consent"),
            false => (CheckOutcome::NotNeeded, "the bucket's owner pays"),
        };
        self.list.note(Line::RequesterPays, outcome, detail).await;
    }

    pub(super) async fn clock(&mut self, ahead_s: Option<i64>) -> Result<(), Stop> {
        self.list.begin(Line::Clock).await;
        let Some(ahead_s) = ahead_s else {
            self.list.note(Line::Clock, CheckOutcome::NotSupported, "the store tells no time").await;
            return Ok(());
        };
        let detail = match ahead_s {
            0.. => format!("this server is {ahead_s} s ahead of the store"),
            _ => format!("this server is {} s behind the store", ahead_s.unsigned_abs()),
        };
        match ahead_s.unsigned_abs() {
            ..=MAX_CLOCK_SKEW_S => {
                self.list.note(Line::Clock, CheckOutcome::Ok, detail).await;
                Ok(())
            }
            skew => {
                let finding = diagnosis::clock(&self.scene(), &detail);
                if skew < REFUSED_CLOCK_SKEW_S {
                    self.list.warn(Line::Clock, detail, finding).await;
                    return Ok(());
                }
                Err(self.list.fail(Line::Clock, detail, finding).await)
            }
        }
    }

    async fn fail_bucket(&mut self, line: Line, denied: (Code, &str), error: &SourceError) -> Stop {
        let finding = self.bucket_finding(denied, error).await;
        self.fail(line, error, finding).await
    }

    async fn bucket_finding(&self, denied: (Code, &str), error: &SourceError) -> diagnosis::Finding {
        let clues = match error.kind {
            SourceErrorKind::Denied => self.clues(denied.0, error).await,
            _ => Clues::default(),
        };
        diagnosis::bucket(&self.scene(), denied, error, clues)
    }

    /// Where a refusal does not say why, some requests that cost nothing tell causes apart.
    async fn clues(&self, denied: Code, error: &SourceError) -> Clues {
        let Provider::S3(access) = &self.integration.provider else { return Clues::default() };
        let message = StoreWords::parse(&error.detail).message;
        let tells_why = message.contains("explicit deny") || message.contains("because no ");
        let works = async |probe| self.with.sources.probe(&self.integration, probe).await;
        let mut clues = Clues::default();
        let is_list = denied == Code::ListDenied;
        if is_list {
            clues.may_locate = Some(works(Probe::Location).await.is_ok());
        }
        if !tells_why {
            let may_pay = self.with.config.integrations.allow_requester_pays && !access.requester_pays;
            clues.works_when_paid = may_pay && works(Probe::Paying).await.is_ok();
            // What could be listed belongs to whom it should: the list was asked for with the owner's account.
            clues.works_for_any_owner =
                is_list && access.owner.is_some() && works(Probe::AnyOwner).await.is_ok();
        }
        clues
    }
}

/// Reads before it asks for the head: only answers with a body say why.
async fn first_byte(source: &dyn Source, object: &ObjectInfo) -> Result<(), SourceError> {
    let body = source.read(&object.key, Some(&object.etag), 0..1).await?;
    body.try_for_each(|_| std::future::ready(Ok(()))).await
}
