//! From what a store said to what is the matter: the cause, and what mends it. Pure: evidence in, [`Fault`] and [`Fix`]
//! out. Asks nobody; the probes that find more evidence are the verification's.

mod access;
mod bucket;
mod denial;
mod reach;
mod role;

pub(super) use bucket::{Clues, archived, bucket, clock};
pub(super) use role::{identity, insecure, role};

use super::apply::{RoleSetup, called};
use super::fix::{Fix, Paste, PasteKind};
use super::{Integration, Role};
use crate::config::Config;
use crate::fault::Fault;
use crate::source::StoreWords;

/// A diagnosis.
pub(super) type Finding = (Fault, Fix);

/// What is known around an answer.
#[derive(Debug, Clone)]
pub(super) struct Scene<'a> {
    pub(super) integration: &'a Integration,
    pub(super) config: &'a Config,
    /// What the owner has to apply, once it is known who this server is.
    pub(super) setup: Option<RoleSetup>,
    /// What the store calls itself in its answers.
    pub(super) store_name: Option<String>,
}

impl Scene<'_> {
    /// The command that checks again.
    fn again(&self) -> String {
        format!("telecine integration verify {}", called(self.integration))
    }

    fn role(&self) -> Option<&Role> {
        self.integration.provider.role()
    }

    fn bucket_arn(&self) -> String {
        let partition = super::documents::partition(self.integration);
        format!("arn:{partition}:s3:::{}", self.integration.bucket)
    }

    /// Whether it was well before, so that something must have changed.
    fn was_well(&self) -> bool {
        self.integration.well_at.is_some()
    }

    /// Whether the store is AWS itself, as far as one can tell.
    fn is_aws(&self) -> bool {
        self.config.aws.endpoint_url.is_none()
    }

    fn trust_paste(&self, setup: &RoleSetup) -> Paste {
        let name = setup.role_name.clone();
        Paste {
            kind: PasteKind::TrustPolicy,
            place: format!("IAM, Roles, {name}, Trust relationships, Edit trust policy"),
            url: Some(format!(
                "{}/iam/home#/roles/details/{name}?section=trust_relationships",
                setup.console()
            )),
            name,
            document: setup.trust.clone(),
            replaces: true,
        }
    }

    fn policy_paste(&self, setup: &RoleSetup) -> Paste {
        let (name, role) = (setup.policy_name.clone(), &setup.role_name);
        Paste {
            kind: PasteKind::Policy,
            place: format!("IAM, Policies, {name}, Edit, JSON; it is attached to the role {role}"),
            url: Some(format!("{}/iam/home#/policies/details/{}", setup.console(), setup.policy_arn())),
            name,
            document: setup.policy.clone(),
            replaces: true,
        }
    }
}

/// The fault of a code with the store's words as its value and the fix's cause as its message.
fn finding(code: crate::fault::Code, words: &StoreWords, fix: Fix) -> Finding {
    let fault = Fault::because(code, fix.cause.clone()).value(words.to_string());
    let remedy = remedy(&fix);
    (fault.rule(fix.wrong.clone()).remedy(remedy), fix)
}

/// The fix in a sentence, for those who see no more of it.
fn remedy(fix: &Fix) -> String {
    let mut parts = Vec::new();
    for paste in &fix.documents {
        let how = if paste.replaces { "Replace" } else { "Add the statement to" };
        let what = match paste.kind {
            PasteKind::Policy => "the policy",
            PasteKind::TrustPolicy => "the trust policy of the role",
            PasteKind::BucketPolicy => "the policy of the bucket",
            PasteKind::KeyPolicy => "the policy of the key",
            PasteKind::EndpointPolicy => "the policy of the VPC endpoint",
            PasteKind::OrganizationPolicy => "the policy of the organization",
        };
        parts.push(format!("{how} {what} {} ({}).", paste.name, paste.place));
    }
    for (name, value) in &fix.settings {
        parts.push(format!("Let the operator set {name} = {value}."));
    }
    if let Some(change) = &fix.change {
        parts.push(format!("Change the integration: {change}."));
    }
    if parts.is_empty() {
        parts.extend(fix.commands.first().map(|command| format!("Run: {command}")));
    }
    parts.push(format!("Then check again: {}", fix.again));
    parts.join(" ")
}
