//! The role matrix: set-ups that are broken in one place each. The first line that is not well must be the right one with
//! the right code, and doing what its remedy says, and nothing else, must make it well.
//!
//! `live` has what a ministack enforces: there the remedy's commands are run as they are, by the AWS CLI. `stubbed` has
//! what it does not: there an account made of documents does what the remedy says.

mod live;
mod stubbed;

use telecine::fault::Code;
use telecine::integration::{Fix, Integration, IntegrationChange, IntegrationStatus};

use super::{Desk, failed};

/// What came of a case.
#[derive(Debug)]
struct Row {
    name: &'static str,
    wanted: (&'static str, Code),
    found: (String, Option<Code>),
    /// The status after the remedy.
    after: IntegrationStatus,
    /// What was still wrong then.
    left: String,
}

impl Row {
    fn is_right(&self) -> bool {
        (self.found.0.as_str(), self.found.1) == (self.wanted.0, Some(self.wanted.1))
    }

    fn is_green(&self) -> bool {
        self.after == IntegrationStatus::Active
    }
}

/// The fix of the first line that is not well.
#[track_caller]
fn fix_of(integration: &Integration) -> Fix {
    let (name, code) = failed(integration);
    let check = integration.checks.iter().find(|check| check.name == name);
    let check = check.unwrap_or_else(|| panic!("nothing is wrong: {integration:#?}"));
    let fault = check.fault.as_ref().expect("a fault");
    let fix = check.fix.clone().unwrap_or_else(|| panic!("{name} ({code:?}) has no fix"));
    for text in [&fix.cause, &fix.wrong, &fix.again] {
        assert!(!text.is_empty(), "{fix:#?}");
    }
    assert!(fault.remedy.as_ref().is_some_and(|remedy| remedy.contains(&fix.again)), "{fault}");
    fix
}

/// What of a fix is for this server: its settings, and the integration itself. Whether the sources must be opened anew.
async fn apply_here(desk: &mut Desk, integration: &Integration, fix: &Fix) -> bool {
    let mut is_reopened = false;
    for (name, value) in &fix.settings {
        let text = || value.as_str().expect("a text").to_owned();
        let texts = || serde_json::from_value(value.clone()).expect("texts");
        match name.as_str() {
            "integrations.insecure_roles" => desk.config.integrations.insecure_roles = texts(),
            "integrations.own_credentials_for" => desk.config.integrations.own_credentials_for = texts(),
            "aws.region" => desk.config.aws.region = Some(text()),
            other => panic!("no such setting: {other}"),
        }
        is_reopened = true;
    }
    if let Some(change) = &fix.change {
        let text = |name: &str| change[name].as_str().map(str::to_owned);
        let change = IntegrationChange {
            kms_key_arn: text("kms_key_arn"),
            region: text("region"),
            requester_pays: change["requester_pays"].as_bool(),
            ..IntegrationChange::default()
        };
        assert_ne!(change, IntegrationChange::default(), "it says what to change");
        let changed = desk.integrations().change(desk.workspace, integration.id, &change).await;
        changed.expect("a change that is taken").expect("it is there");
    }
    is_reopened
}

/// Prints the table, and fails where fewer than all but one of thirty are right.
#[track_caller]
fn conclude(rows: &[Row]) {
    for row in rows {
        let found = format!("{} {}", row.found.0, row.found.1.map_or("-", Code::as_str));
        let right = if row.is_right() { "right" } else { "WRONG" };
        let green = if row.is_green() { "green" } else { "NOT GREEN" };
        println!("{right:<6} {green:<10} {:<62} {found}  {}", row.name, row.left);
    }
    let (right, green) =
        (rows.iter().filter(|row| row.is_right()).count(), rows.iter().filter(|row| row.is_green()).count());
    println!("{right} of {} first diagnoses are right; {green} remedies make it well", rows.len());
    let allowed = rows.len() / 30;
    assert!(
        right + allowed >= rows.len(),
        "{:#?}",
        rows.iter().filter(|row| !row.is_right()).collect::<Vec<_>>()
    );
    assert!(
        green + allowed >= rows.len(),
        "{:#?}",
        rows.iter().filter(|row| !row.is_green()).collect::<Vec<_>>()
    );
}
