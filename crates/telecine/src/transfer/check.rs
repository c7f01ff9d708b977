//! Checks entries against what there is: indexes, integrations, languages. Asks the store once for each of them, however
//! many entries name it. Reads no bucket.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Address, Entry, Scheme};
use crate::fault::{Code, Fault, Result};
use crate::ids::{IndexId, IntegrationId, WorkspaceId};
use crate::integration::Integration;
use crate::store::Store;

/// Refuses a language that nobody here can hear, unless the words come with the video.
///
/// # Errors
/// `parameter_invalid`, with the languages that there are.
pub(super) fn check_language(language: &str, has_transcription: bool, known: &[String]) -> Result<(), Fault> {
    let primary = language.split('-').next().unwrap_or_default().to_ascii_lowercase();
    if has_transcription || primary == "en" || known.contains(&primary) {
        return Ok(());
    }
    let mut languages = known.to_vec();
    languages.push("en".to_owned());
    languages.sort_unstable();
    languages.dedup();
    Err(Fault::parameter("`language` is not one that can be heard here.")
        .value(super::manifest::cut(language))
        .rule(format!("`language` is one of {}, unless a transcription is given", languages.join(", ")))
        .remedy("Give a transcription, or fetch a speech model that knows the language."))
}

/// Who may read the objects of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owners {
    pub(super) object: IntegrationId,
    pub(super) transcription: Option<IntegrationId>,
}

/// Checks the entries of one manifest, remembering what it has asked.
#[derive(Debug)]
pub(super) struct Checker {
    store: Arc<dyn Store>,
    workspace: WorkspaceId,
    languages: Vec<String>,
    indexes: HashSet<IndexId>,
    /// By scheme and bucket; those with longer prefixes first, for they are more exact.
    integrations: HashMap<(Scheme, String), Vec<Integration>>,
}

impl Checker {
    /// Looks the workspace's integrations up.
    pub(super) async fn open(
        store: Arc<dyn Store>,
        workspace: WorkspaceId,
        languages: Vec<String>,
    ) -> Result<Self> {
        let mut integrations: HashMap<_, Vec<Integration>> = HashMap::new();
        for integration in store.integrations(workspace).await? {
            let bucket = (integration.provider.scheme(), integration.bucket.clone());
            integrations.entry(bucket).or_default().push(integration);
        }
        for of_bucket in integrations.values_mut() {
            of_bucket.sort_by_key(|integration| Reverse(integration.prefix.len()));
        }
        Ok(Self { store, workspace, languages, indexes: HashSet::new(), integrations })
    }

    /// The integrations that may read the entry's objects.
    ///
    /// # Errors
    /// `resource_not_exists` for an unknown index, `integration_not_active` for a bucket that nobody may read,
    /// `parameter_invalid` for a language that cannot be heard; each names the entry.
    pub(super) async fn check(&mut self, entry: &Entry) -> Result<Owners> {
        if !self.indexes.contains(&entry.index) {
            if self.store.index(self.workspace, entry.index).await?.is_none() {
                let fault =
                    entry.fault(Code::ResourceNotExists, "`index_id` names no index of this workspace.");
                return Err(fault.value(entry.index.to_string()).into());
            }
            self.indexes.insert(entry.index);
        }
        let has_transcription = entry.transcription.is_some();
        check_language(&entry.language, has_transcription, &self.languages)
            .map_err(|fault| Fault { message: entry.fault(fault.code, &fault.message).message, ..fault })?;
        let object = self.owner(entry, "object", &entry.object)?.id;
        let transcription = match &entry.transcription {
            Some(address) => Some(self.owner(entry, "transcription", address)?.id),
            None => None,
        };
        Ok(Owners { object, transcription })
    }

    /// The integration that the object belongs to: of several, one that may be read through, then the most exact one.
    pub(super) fn integration(&self, address: &Address) -> Option<&Integration> {
        let of_bucket = self.integrations.get(&(address.scheme, address.bucket.clone()))?;
        let mut candidates = of_bucket.iter().filter(|integration| integration.has(&address.key));
        let first = candidates.clone().next();
        candidates.find(|integration| integration.status.is_usable()).or(first)
    }

    fn owner(&self, entry: &Entry, field: &str, address: &Address) -> Result<&Integration> {
        let refuse = |what: String, remedy: String| {
            let fault = entry.fault(Code::IntegrationNotActive, what);
            Err(fault.value(address.to_string()).remedy(remedy).into())
        };
        let bucket = &address.bucket;
        match self.integration(address) {
            Some(integration) if integration.status.is_usable() => Ok(integration),
            Some(integration) => refuse(
                format!("the integration of `{field}`'s bucket {bucket} is {}.", integration.status.as_str()),
                format!("Verify it: telecine integration verify {}.", integration.id),
            ),
            None => refuse(
                format!("no integration owns `{field}`'s bucket {bucket}."),
                "Connect the bucket with `telecine integration add` and verify it.".to_owned(),
            ),
        }
    }
}
