//! The lines of the checklist, and what comes of them.

use serde::Serialize;
use tokio::sync::mpsc;

use crate::integration::{Check, CheckOutcome, IntegrationStatus, diagnosis::Finding};

/// What a verification found.
#[derive(Debug, Default)]
pub(in crate::integration) struct Verdict {
    pub(in crate::integration) checks: Vec<Check>,
    pub(in crate::integration) region: Option<String>,
    /// Whether what failed is the store's or the network's mood rather than something that somebody set.
    pub(in crate::integration) is_passing: bool,
}

impl Verdict {
    pub(in crate::integration) fn status(&self) -> IntegrationStatus {
        let has = |outcome| self.checks.iter().any(|check| check.outcome == outcome);
        if has(CheckOutcome::Failed) {
            IntegrationStatus::Failed
        } else if has(CheckOutcome::Warning) {
            IntegrationStatus::Degraded
        } else {
            IntegrationStatus::Active
        }
    }
}

/// How far a verification has come.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Progress {
    /// A line is looked at.
    Began {
        /// Its machine name.
        name: &'static str,
        /// For people.
        title: &'static str,
    },
    /// A line is done.
    Check(Box<Check>),
}

/// The lines of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    Identity,
    AssumeRole,
    WithoutExternalId,
    WrongExternalId,
    Region,
    List,
    Owner,
    Read,
    Head,
    Kms,
    Archived,
    RequesterPays,
    Clock,
}

impl Line {
    pub(super) fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Identity => ("identity", "Find out who this server is"),
            Self::AssumeRole => ("assume_role", "Take the role with the external id"),
            Self::WithoutExternalId => ("without_external_id", "Be refused without the external id"),
            Self::WrongExternalId => ("wrong_external_id", "Be refused with another external id"),
            Self::Region => ("region", "Find the bucket's region"),
            Self::List => ("list", "List the bucket"),
            Self::Owner => ("owner", "Make sure whose the bucket is"),
            Self::Read => ("read", "Read a part of an object"),
            Self::Head => ("head", "Ask what an object is"),
            Self::Kms => ("kms", "Decrypt an object"),
            Self::Archived => ("archived", "Look for archived objects"),
            Self::RequesterPays => ("requester_pays", "See who pays for requests"),
            Self::Clock => ("clock", "Compare the clocks"),
        }
    }
}

/// The list as it is written, line by line, and told while it is.
pub(super) struct List<'a> {
    pub(super) verdict: Verdict,
    pub(super) tell: Option<&'a mpsc::Sender<Progress>>,
}

impl List<'_> {
    pub(super) async fn begin(&self, line: Line) {
        let (name, title) = line.words();
        self.tell(Progress::Began { name, title }).await;
    }

    pub(super) async fn note(&mut self, line: Line, outcome: CheckOutcome, detail: impl Into<String>) {
        self.add(line, outcome, detail.into(), None).await;
    }

    /// Not fatal.
    pub(super) async fn warn(&mut self, line: Line, detail: impl Into<String>, finding: Finding) {
        self.add(line, CheckOutcome::Warning, detail.into(), Some(finding)).await;
    }

    pub(super) async fn fail(&mut self, line: Line, detail: impl Into<String>, finding: Finding) -> Stop {
        self.add(line, CheckOutcome::Failed, detail.into(), Some(finding)).await;
        Stop
    }

    async fn add(&mut self, line: Line, outcome: CheckOutcome, detail: String, finding: Option<Finding>) {
        let (name, title) = line.words();
        let (fault, fix) = finding.unzip();
        let check = Check { name: name.to_owned(), title: title.to_owned(), outcome, detail, fault, fix };
        self.verdict.checks.push(check.clone());
        self.tell(Progress::Check(Box::new(check))).await;
    }

    async fn tell(&self, progress: Progress) {
        if let Some(tell) = self.tell {
            // Who reads no more wants the result all the same: it is stored.
            let _ = tell.send(progress).await;
        }
    }
}

/// Nothing that comes after can be checked.
#[derive(Debug)]
pub(super) struct Stop;
