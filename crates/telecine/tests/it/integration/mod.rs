//! Connecting buckets: against two accounts of a ministack that checks every signature and policy, and folders.

mod apply;
mod aws;
mod ceph;
mod create;
mod folder;
mod keeper;
mod manifest;
mod matrix;
mod probe;
mod queue;
mod recheck;
mod seaweedfs;
mod sync;

use std::sync::Arc;

use crate::support::vaults::vault;
use bytes::Bytes;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::ids::{IndexId, WorkspaceId};
use telecine::integration::{Check, CheckOutcome, Integration, Integrations, ManifestRequest};
use telecine::source::{Opener, RetryPolicy};
use telecine::store::KeyStore;
use telecine::store::sqlite::SqliteStore;
use telecine::time::{Clock, SystemClock};
use telecine::vault::Vault;
use tempfile::TempDir;
use tokio::sync::mpsc;

/// What works on integrations, with a database of its own.
struct Desk {
    store: SqliteStore,
    sources: Opener,
    vault: Arc<Vault>,
    clock: Arc<dyn Clock>,
    config: Config,
    workspace: WorkspaceId,
    _folder: TempDir,
}

impl Desk {
    async fn new(config: Config, with: impl FnOnce(Opener) -> Opener) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let store = SqliteStore::open(&folder.path().join("telecine.db")).await.expect("a database");
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let workspace = store.default_workspace(clock.now()).await.expect("a workspace");
        let hasty = RetryPolicy { attempts: 2, ..RetryPolicy::default() };
        let sources = with(Opener::new(&config, vault(), clock.clone()).retry(hasty));
        Self { store, sources, vault: vault(), clock, config, workspace, _folder: folder }
    }

    fn integrations(&self) -> Integrations<'_> {
        Integrations {
            store: &self.store,
            sources: &self.sources,
            vault: &self.vault,
            clock: &*self.clock,
            config: &self.config,
        }
    }

    async fn verify(&self, integration: &Integration) -> Integration {
        let verified = self.integrations().verify(self.workspace, integration.id, None).await;
        verified.expect("a verification").expect("the integration is there")
    }

    /// The manifest as it is written, and the objects that it names.
    async fn manifest(&self, integration: &Integration, index: IndexId) -> (String, Vec<String>) {
        let request = ManifestRequest { captions: false, ..ManifestRequest::new(index, "en") };
        let (out, mut pieces) = mpsc::channel::<Bytes>(1);
        let reading = async {
            let mut text = Vec::new();
            while let Some(piece) = pieces.recv().await {
                text.extend_from_slice(&piece);
            }
            String::from_utf8(text).expect("text")
        };
        let integrations = self.integrations();
        let writing = integrations.write_manifest(self.workspace, integration.id, &request, out);
        let (written, text) = tokio::join!(writing, reading);
        written.expect("a manifest");
        let entries: Vec<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(&text).expect("a JSON array of objects");
        let objects = entries.iter().map(|entry| {
            assert_eq!(
                (entry["index_id"].as_str(), entry["language"].as_str()),
                (Some(index.to_string().as_str()), Some("en"))
            );
            assert_eq!(entry.len(), 3, "nothing but index_id, language and object");
            entry["object"].as_str().expect("an address").to_owned()
        });
        let objects = objects.collect();
        (text, objects)
    }
}

/// Names and outcomes of the lines.
fn lines(integration: &Integration) -> Vec<(&str, CheckOutcome)> {
    integration.checks.iter().map(|check| (check.name.as_str(), check.outcome)).collect()
}

/// The first line that is not well.
fn failed(integration: &Integration) -> (&str, Option<Code>) {
    let is_bad = |check: &&Check| matches!(check.outcome, CheckOutcome::Failed | CheckOutcome::Warning);
    let Some(Check { name, fault, .. }) = integration.checks.iter().find(is_bad) else {
        return ("none", None);
    };
    (name, fault.as_ref().map(|fault| fault.code))
}
