//! The verification: a checklist, run in order to its first hard failure. Every line says what was found in the store's
//! own words, and what to do about it.

use std::time::Duration;

use futures::TryStreamExt;
use tokio::time::Instant;

use super::decision::is_video;
use super::service::Integrations;
use super::{Check, CheckOutcome, Integration, IntegrationStatus, Provider};
use crate::fault::{Code, Fault};
use crate::source::{ExternalId, ObjectInfo, Page, Source, SourceError, SourceErrorKind};

/// AWS refuses requests of clocks that are further off than 15 minutes; well before that somebody should know.
const MAX_CLOCK_SKEW_S: u64 = 300;
/// First wait between two tries; doubles up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(4);

/// What a verification found.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) checks: Vec<Check>,
    pub(super) region: Option<String>,
}

impl Verdict {
    pub(super) fn status(&self) -> IntegrationStatus {
        match self.checks.iter().any(|check| check.outcome == CheckOutcome::Failed) {
            true => IntegrationStatus::Failed,
            false => IntegrationStatus::Active,
        }
    }

    fn note(&mut self, line: Line, outcome: CheckOutcome, detail: impl Into<String>) {
        let (name, title) = line.words();
        self.checks.push(Check {
            name: name.to_owned(),
            title: title.to_owned(),
            outcome,
            detail: detail.into(),
            fault: None,
        });
    }

    fn fail(&mut self, line: Line, detail: impl Into<String>, fault: Fault) -> Stop {
        self.note(line, CheckOutcome::Failed, detail);
        if let Some(check) = self.checks.last_mut() {
            check.fault = Some(fault);
        }
        Stop
    }
}

/// Nothing that comes after can be checked.
#[derive(Debug)]
struct Stop;

/// The lines of the list.
#[derive(Debug, Clone, Copy)]
enum Line {
    Identity,
    AssumeRole,
    WithoutExternalId,
    WrongExternalId,
    Region,
    List,
    Read,
    Clock,
}

impl Line {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Identity => ("identity", "Find out who this server is"),
            Self::AssumeRole => ("assume_role", "Take the role with the external id"),
            Self::WithoutExternalId => ("without_external_id", "Be refused without the external id"),
            Self::WrongExternalId => ("wrong_external_id", "Be refused with another external id"),
            Self::Region => ("region", "Find the bucket's region"),
            Self::List => ("list", "List the bucket"),
            Self::Read => ("read", "Read an object"),
            Self::Clock => ("clock", "Compare the clocks"),
        }
    }
}

/// Runs the list.
pub(super) async fn run(with: &Integrations<'_>, integration: &Integration) -> Verdict {
    let wait = Duration::from_secs(with.config.aws.propagation_wait_s);
    let mut run = Run {
        with,
        integration: integration.clone(),
        verdict: Verdict::default(),
        deadline: Instant::now() + wait,
    };
    // Where it stopped is seen from the list.
    let _ = run.all().await;
    run.verdict
}

struct Run<'a> {
    with: &'a Integrations<'a>,
    integration: Integration,
    verdict: Verdict,
    /// New roles and policies take seconds until they are known everywhere: until then, what is refused is tried again.
    deadline: Instant,
}

impl Run<'_> {
    async fn all(&mut self) -> Result<(), Stop> {
        let mut clock_ahead_s = None;
        if let Some(role) = self.integration.provider.role().cloned() {
            self.identity().await?;
            self.assume_role(&role.arn).await?;
            self.is_refused(Line::WithoutExternalId, ExternalId::Missing, "without an external id").await?;
            self.is_refused(Line::WrongExternalId, ExternalId::Wrong, "with an external id of nobody")
                .await?;
        }
        let is_s3 = matches!(self.integration.provider, Provider::S3(_));
        if is_s3 {
            clock_ahead_s = self.region().await?;
        }
        let source = self.open().await?;
        let page = self.list(&*source).await?;
        self.read(&*source, &page).await?;
        if is_s3 {
            self.clock(clock_ahead_s);
        }
        Ok(())
    }

    async fn identity(&mut self) -> Result<(), Stop> {
        match self.with.sources.principal().await {
            Ok(arn) => {
                self.verdict.note(Line::Identity, CheckOutcome::Ok, arn);
                Ok(())
            }
            Err(error) => {
                let fault = match error.kind.is_transient() {
                    true => unavailable(&error),
                    false => Fault::because(Code::RoleNotAssumable, "This server has no AWS credentials that work.")
                        .rule("the server needs credentials of its own to take roles")
                        .remedy(
                            "Give the server AWS credentials (environment, profile or instance role), then verify \
                             again.",
                        ),
                };
                Err(self.verdict.fail(Line::Identity, error.to_string(), fault))
            }
        }
    }

    async fn assume_role(&mut self, role_arn: &str) -> Result<(), Stop> {
        let (with, integration) = (self.with, self.integration.clone());
        let taken = self
            .patiently(
                |outcome| {
                    outcome.as_ref().is_err_and(|e: &SourceError| e.kind == SourceErrorKind::Credentials)
                },
                || with.sources.assume_role(&integration, ExternalId::Right),
            )
            .await;
        match taken {
            Ok(()) => {
                self.verdict.note(Line::AssumeRole, CheckOutcome::Ok, format!("{role_arn} was taken"));
                Ok(())
            }
            Err(error) => {
                let fault = match error.kind.is_transient() {
                    true => unavailable(&error),
                    false => Fault::new(Code::RoleNotAssumable).value(role_arn),
                };
                Err(self.verdict.fail(Line::AssumeRole, error.to_string(), fault))
            }
        }
    }

    async fn is_refused(&mut self, line: Line, id: ExternalId, how: &str) -> Result<(), Stop> {
        let (with, integration) = (self.with, self.integration.clone());
        let taken = self.patiently(Result::is_ok, || with.sources.assume_role(&integration, id)).await;
        match taken {
            Err(error) if !error.kind.is_transient() => {
                self.verdict.note(
                    line,
                    CheckOutcome::Ok,
                    format!("{how} the role was refused, as it must be"),
                );
                Ok(())
            }
            Err(error) => Err(self.verdict.fail(line, error.to_string(), unavailable(&error))),
            Ok(()) => {
                let detail = format!(
                    "{how} the role was taken: every customer of this server who knows the account's number could \
                     read the bucket"
                );
                let fault = Fault::new(Code::InsecureTrustPolicy).value(detail.clone());
                Err(self.verdict.fail(line, detail, fault))
            }
        }
    }

    /// How far our clock is ahead, if that was told.
    async fn region(&mut self) -> Result<Option<i64>, Stop> {
        match self.with.sources.locate(&self.integration).await {
            Ok(place) => {
                match &place.region {
                    Some(region) => self.verdict.note(Line::Region, CheckOutcome::Ok, region),
                    None => self.verdict.note(
                        Line::Region,
                        CheckOutcome::NotSupported,
                        "the store tells none; the server's own is used",
                    ),
                }
                self.integration.region.clone_from(&place.region);
                self.verdict.region = place.region;
                Ok(place.clock_ahead_s)
            }
            // The next line tells better what is not allowed.
            Err(error) if error.kind == SourceErrorKind::Denied => {
                self.verdict.note(Line::Region, CheckOutcome::NotSupported, error.to_string());
                Ok(None)
            }
            Err(error) => {
                let fault = self.bucket_fault(Code::ListDenied, &error);
                Err(self.verdict.fail(Line::Region, error.to_string(), fault))
            }
        }
    }

    async fn open(&mut self) -> Result<std::sync::Arc<dyn Source>, Stop> {
        match self.with.sources.open_anew(&self.integration).await {
            Ok(source) => Ok(source),
            Err(error) => {
                let fault = self.bucket_fault(Code::ListDenied, &error);
                Err(self.verdict.fail(Line::List, error.to_string(), fault))
            }
        }
    }

    async fn list(&mut self, source: &dyn Source) -> Result<Page, Stop> {
        match self.patiently(is_denied, || source.list("", None, 1000)).await {
            Ok(page) => {
                let more = if page.next.is_some() { "more than " } else { "" };
                let detail = format!("{more}{} objects", page.objects.len());
                self.verdict.note(Line::List, CheckOutcome::Ok, detail);
                Ok(page)
            }
            Err(error) => {
                let fault = self.bucket_fault(Code::ListDenied, &error);
                Err(self.verdict.fail(Line::List, error.to_string(), fault))
            }
        }
    }

    async fn read(&mut self, source: &dyn Source, page: &Page) -> Result<(), Stop> {
        let Some(object) = readable(page) else {
            let detail = match page.objects.len() {
                0 => "the bucket is empty",
                _ => "none of the first objects can be read: they are empty or archived",
            };
            self.verdict.note(Line::Read, CheckOutcome::NotNeeded, detail);
            return Ok(());
        };
        match self.patiently(is_denied, || first_byte(source, object)).await {
            Ok(()) => {
                let detail = format!("the first byte of {}", source.address(&object.key));
                self.verdict.note(Line::Read, CheckOutcome::Ok, detail);
                Ok(())
            }
            // It went away or changed between the list and now: not a question of what is allowed.
            Err(error)
                if matches!(
                    error.kind,
                    SourceErrorKind::NotFound | SourceErrorKind::Changed | SourceErrorKind::Archived
                ) =>
            {
                self.verdict.note(Line::Read, CheckOutcome::NotNeeded, error.to_string());
                Ok(())
            }
            Err(error) => {
                let mut fault = self.bucket_fault(Code::GetDenied, &error);
                if error.detail.to_ascii_lowercase().contains("kms") {
                    fault = fault.remedy(
                        "The objects are encrypted with a KMS key: allow the role kms:Decrypt on it, in the key's \
                         policy too, then verify again.",
                    );
                }
                Err(self.verdict.fail(Line::Read, error.to_string(), fault))
            }
        }
    }

    fn clock(&mut self, ahead_s: Option<i64>) {
        let Some(ahead_s) = ahead_s else {
            self.verdict.note(Line::Clock, CheckOutcome::NotSupported, "the store tells no time");
            return;
        };
        let detail = match ahead_s {
            0.. => format!("this server is {ahead_s} s ahead of the store"),
            _ => format!("this server is {} s behind the store", ahead_s.unsigned_abs()),
        };
        if ahead_s.unsigned_abs() <= MAX_CLOCK_SKEW_S {
            self.verdict.note(Line::Clock, CheckOutcome::Ok, detail);
        } else {
            let fault = Fault::new(Code::ClockSkewed).value(detail.clone());
            self.verdict.fail(Line::Clock, detail, fault);
        }
    }

    /// What a refusal of the bucket means, where `denied` is the code of what may not be done.
    fn bucket_fault(&self, denied: Code, error: &SourceError) -> Fault {
        match error.kind {
            SourceErrorKind::Denied => Fault::new(denied).value(error.to_string()),
            SourceErrorKind::NotFound => Fault::new(Code::BucketNotExists).value(&self.integration.bucket),
            SourceErrorKind::Credentials => Fault::new(Code::RoleNotAssumable).value(error.to_string()),
            SourceErrorKind::Archived
            | SourceErrorKind::Changed
            | SourceErrorKind::Throttled
            | SourceErrorKind::Unavailable
            | SourceErrorKind::Unsupported => unavailable(error),
        }
    }

    /// Asks again while it is as it was before a change was known everywhere, until the deadline.
    async fn patiently<T, F: Future<Output = Result<T, SourceError>>>(
        &self,
        may_be_old: impl Fn(&Result<T, SourceError>) -> bool,
        ask: impl Fn() -> F,
    ) -> Result<T, SourceError> {
        let mut wait = FIRST_WAIT;
        loop {
            let outcome = ask().await;
            if !may_be_old(&outcome) || Instant::now() + wait > self.deadline {
                return outcome;
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }
}

fn is_denied<T>(outcome: &Result<T, SourceError>) -> bool {
    outcome.as_ref().is_err_and(|error| error.kind == SourceErrorKind::Denied)
}

fn unavailable(error: &SourceError) -> Fault {
    Fault::new(Code::SourceUnavailable).value(error.to_string())
}

/// The object to try: a video, if the page has one.
fn readable(page: &Page) -> Option<&ObjectInfo> {
    let mut readable = page.objects.iter().filter(|object| object.size_bytes > 0 && !object.is_archived);
    let first = readable.next()?;
    Some(readable.find(|object| is_video(&object.key)).filter(|_| !is_video(&first.key)).unwrap_or(first))
}

/// Reads before it asks for the head: only answers with a body say why.
async fn first_byte(source: &dyn Source, object: &ObjectInfo) -> Result<(), SourceError> {
    let body = source.read(&object.key, Some(&object.etag), 0..1).await?;
    body.try_for_each(|_| std::future::ready(Ok(()))).await?;
    source.head(&object.key).await.map(drop)
}
