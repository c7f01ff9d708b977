//! What mends a line of a verification: the cause in a sentence, what is wrong, and everything to paste and to run. Data:
//! stored with the line, told by the API, printed by the CLI.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// How a failure is mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fix {
    /// What is the matter, in one sentence (the likeliest first where it cannot be told apart).
    pub cause: String,
    /// The statement or setting that is wrong or missing.
    pub wrong: String,
    /// Who can mend it.
    pub who: FixBy,
    /// Documents to paste.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Paste>,
    /// Commands that do the same: of the AWS CLI, with the owner's credentials, unless they say otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<String>,
    /// Settings of this server, by their names in its configuration.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub settings: Map<String, Value>,
    /// What `PATCH /integrations/{id}` takes to mend it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Value>,
    /// How to check again.
    pub again: String,
}

/// Who can mend something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FixBy {
    /// The owner of the bucket.
    Owner,
    /// Those who administer the owner's organization.
    Organization,
    /// The operator of this server.
    Operator,
    /// Whoever connected the bucket here.
    You,
    /// Nobody: it passes.
    Time,
}

/// A document to paste.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Paste {
    /// What kind of document it is.
    pub kind: PasteKind,
    /// Which one, such as the name of the policy.
    pub name: String,
    /// Where: steps in the console.
    pub place: String,
    /// The page of the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The document.
    pub document: Value,
    /// Whether it replaces what is there; else it is a statement to add.
    pub replaces: bool,
}

/// Kinds of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasteKind {
    /// What a role or user may do.
    Policy,
    /// Who may take the role.
    TrustPolicy,
    /// The bucket's own policy.
    BucketPolicy,
    /// The policy of a KMS key.
    KeyPolicy,
    /// What may pass an endpoint of a VPC.
    EndpointPolicy,
    /// What an organization allows its accounts.
    OrganizationPolicy,
}

impl Fix {
    /// One by this, checked again by this command.
    pub(super) fn new(who: FixBy, cause: impl Into<String>, wrong: impl Into<String>, again: &str) -> Self {
        Self {
            cause: cause.into(),
            wrong: wrong.into(),
            who,
            documents: Vec::new(),
            commands: Vec::new(),
            settings: Map::new(),
            change: None,
            again: again.to_owned(),
        }
    }

    pub(super) fn paste(mut self, paste: Paste) -> Self {
        self.documents.push(paste);
        self
    }

    pub(super) fn commands(mut self, commands: impl IntoIterator<Item = String>) -> Self {
        self.commands.extend(commands);
        self
    }

    pub(super) fn setting(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.settings.insert(name.to_owned(), value.into());
        self
    }

    pub(super) fn change(mut self, change: Value) -> Self {
        self.change = Some(change);
        self
    }
}
