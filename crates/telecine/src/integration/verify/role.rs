//! The lines about the role: who we are, that it lets us in, and that it lets nobody else in through us.

use super::lines::{Line, Stop};
use super::{Run, is_denied};
use crate::integration::{CheckOutcome, diagnosis};
use crate::source::{ExternalId, SourceError, SourceErrorKind};

impl Run<'_> {
    pub(super) async fn identity(&mut self) -> Result<(), Stop> {
        self.list.begin(Line::Identity).await;
        match self.with.sources.principal().await {
            Ok(arn) => {
                self.store_name = self.with.sources.store_name().await;
                self.list.note(Line::Identity, CheckOutcome::Ok, arn.clone()).await;
                self.principal = Some(arn);
                Ok(())
            }
            Err(error) => {
                let finding = diagnosis::identity(&self.scene(), &error);
                Err(self.fail(Line::Identity, &error, finding).await)
            }
        }
    }

    pub(super) async fn assume_role(&mut self) -> Result<(), Stop> {
        self.list.begin(Line::AssumeRole).await;
        let (with, integration) = (self.with, self.integration.clone());
        let refused = |outcome: &Result<(), SourceError>| {
            outcome.as_ref().is_err_and(|e| e.kind == SourceErrorKind::Credentials)
        };
        let taken = self
            .patiently(
                |outcome| refused(outcome) || is_denied(outcome),
                || with.sources.assume_role(&integration, ExternalId::Right),
            )
            .await;
        match taken {
            Ok(()) => {
                let arn = integration.provider.role().map_or("", |role| role.arn.as_str());
                self.list.note(Line::AssumeRole, CheckOutcome::Ok, format!("{arn} was taken")).await;
                Ok(())
            }
            Err(error) => {
                let finding = diagnosis::role(&self.scene(), &error);
                Err(self.fail(Line::AssumeRole, &error, finding).await)
            }
        }
    }

    /// Both probes end at STS: the owner sees them in the logs and pays nothing.
    pub(super) async fn refusals(&mut self) -> Result<(), Stop> {
        self.is_refused(Line::WithoutExternalId, ExternalId::Missing, "without an external id").await?;
        self.is_refused(Line::WrongExternalId, ExternalId::Wrong, "with an external id of nobody").await
    }

    async fn is_refused(&mut self, line: Line, id: ExternalId, how: &str) -> Result<(), Stop> {
        self.list.begin(line).await;
        let (with, integration) = (self.with, self.integration.clone());
        let taken = self.patiently(Result::is_ok, || with.sources.assume_role(&integration, id)).await;
        match taken {
            Err(error) if !error.kind.is_transient() => {
                let detail = format!("{how} the role was refused, as it must be");
                self.list.note(line, CheckOutcome::Ok, detail).await;
                Ok(())
            }
            Err(error) => {
                let finding = diagnosis::role(&self.scene(), &error);
                Err(self.fail(line, &error, finding).await)
            }
            Ok(()) => {
                let detail = format!("{how} the role was taken");
                let finding = diagnosis::insecure(&self.scene(), &detail);
                if self.is_answered_for() {
                    let detail =
                        format!("{detail}; the operator answers for it in integrations.insecure_roles");
                    self.list.warn(line, detail, finding).await;
                    return Ok(());
                }
                Err(self.list.fail(line, detail, finding).await)
            }
        }
    }

    fn is_answered_for(&self) -> bool {
        let listed = &self.with.config.integrations.insecure_roles;
        self.integration.provider.role().is_some_and(|role| listed.contains(&role.arn))
    }
}
