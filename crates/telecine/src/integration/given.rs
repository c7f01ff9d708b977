//! Which parameters were given for an integration, by their names: to say which of them do not belong to the store.

use super::create::NewIntegration;
use crate::fault::{Code, Fault};

/// Names of all parameters, for those who misspell one.
pub const PARAMETERS: [&str; 26] = [
    "provider",
    "bucket",
    "prefix",
    "credentials",
    "region",
    "account_id",
    "role_name",
    "role_arn",
    "kms_key_arn",
    "requester_pays",
    "endpoint_url",
    "path_style",
    "access_key_id",
    "secret_access_key",
    "service_account_key",
    "user_project",
    "account",
    "shared_key",
    "sas_token",
    "tenant_id",
    "client_id",
    "client_secret",
    "path",
    "urls",
    "filters",
    "schedule",
];

/// What was given.
#[derive(Debug)]
pub(super) struct Given {
    names: Vec<&'static str>,
    credentials: Option<String>,
}

impl Given {
    pub(super) fn of(new: &NewIntegration) -> Self {
        // Exhaustive, so that a new parameter is not forgotten here.
        let NewIntegration {
            provider: _,
            bucket: _,
            filters: _,
            schedule: _,
            prefix,
            credentials,
            region,
            account_id,
            role_name,
            role_arn,
            kms_key_arn,
            requester_pays,
            endpoint_url,
            path_style,
            access_key_id,
            secret_access_key,
            service_account_key,
            user_project,
            account,
            shared_key,
            sas_token,
            tenant_id,
            client_id,
            client_secret,
            path,
            urls,
        } = new;
        let given = [
            ("prefix", prefix.is_some()),
            ("credentials", credentials.is_some()),
            ("region", region.is_some()),
            ("account_id", account_id.is_some()),
            ("role_name", role_name.is_some()),
            ("role_arn", role_arn.is_some()),
            ("kms_key_arn", kms_key_arn.is_some()),
            ("requester_pays", *requester_pays == Some(true)),
            ("endpoint_url", endpoint_url.is_some()),
            ("path_style", path_style.is_some()),
            ("access_key_id", access_key_id.is_some()),
            ("secret_access_key", secret_access_key.is_some()),
            ("service_account_key", service_account_key.is_some()),
            ("user_project", user_project.is_some()),
            ("account", account.is_some()),
            ("shared_key", shared_key.is_some()),
            ("sas_token", sas_token.is_some()),
            ("tenant_id", tenant_id.is_some()),
            ("client_id", client_id.is_some()),
            ("client_secret", client_secret.is_some()),
            ("path", path.is_some()),
            ("urls", !urls.is_empty()),
        ];
        let names = given.into_iter().filter_map(|(name, is_given)| is_given.then_some(name)).collect();
        Self { names, credentials: credentials.clone() }
    }

    /// Refuses what belongs to other stores.
    pub(super) fn refuse_all_but(&self, what: &str, known: &[&str]) -> Result<(), Fault> {
        match self.names.iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(Fault::parameter(format!("The parameter `{name}` does not belong to {what}."))
                .rule(format!("to {what} belong `bucket` and {}", list(known)))),
        }
    }

    /// Refuses these; they belong to something else.
    pub(super) fn refuse(&self, names: &[&str], others: &str) -> Result<(), Fault> {
        match self.names.iter().find(|name| names.contains(name)) {
            None => Ok(()),
            Some(name) => Err(Fault::parameter(format!("The parameter `{name}` belongs to {others}."))),
        }
    }

    /// One that must be there.
    pub(super) fn require<'a, T>(&self, name: &str, value: Option<&'a T>) -> Result<&'a T, Fault> {
        value.ok_or_else(|| self.missing(name))
    }

    /// One that must be there and is not.
    pub(super) fn missing(&self, name: &str) -> Fault {
        let message = format!("The required parameter `{name}` is missing.");
        Fault::because(Code::ParameterNotProvided, message)
    }

    /// With whose eyes; `usual` when nobody says (nothing means that somebody must).
    pub(super) fn kind<'a>(&'a self, known: &[&str], usual: &'a str) -> Result<&'a str, Fault> {
        match self.credentials.as_deref().unwrap_or(usual) {
            "" => Err(self
                .missing("credentials")
                .rule(format!("one of {}, or what they consist of", list(known)))),
            kind if known.contains(&kind) => Ok(kind),
            other => Err(Fault::parameter("The parameter `credentials` is not one that is known here.")
                .value(other.chars().take(60).collect::<String>())
                .rule(format!("one of {}", list(known)))),
        }
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A parameter that nobody knows; the nearest that is known is told. What is asked for an external id gets an answer of
/// its own.
pub fn unknown_parameter(name: &str, known: &[&str]) -> Fault {
    let shown: String = name.chars().take(60).collect();
    if name == "external_id" {
        return Fault::because(
            Code::ParameterInvalid,
            "The parameter `external_id` is not taken from clients.",
        )
        .rule("external ids are random and made by this server, one for each integration")
        .remedy("Leave it out; the answer tells the id that goes into the role's trust policy.");
    }
    let fault = Fault::because(Code::ParameterUnknown, format!("The parameter `{shown}` is not known."));
    let nearest = known.iter().map(|known| (strsim::damerau_levenshtein(&shown, known), known)).min();
    match nearest {
        Some((distance, nearest)) if distance <= 3 => fault.remedy(format!("Perhaps `{nearest}` is meant.")),
        _ => fault.rule(format!("one of {}", list(known))),
    }
}
