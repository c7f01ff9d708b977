//! What requests about integrations give, read into what the integrations take. A parameter that nobody knows is refused
//! with the nearest that is known: one that is silently left out could make a bucket less safe than was meant.

use serde::de::DeserializeOwned;

use crate::fault::Fault;
use crate::http::params::Params;
use crate::integration::{CHANGES, IntegrationChange, NewIntegration, PARAMETERS, unknown_parameter};
use crate::vault::Secret;

/// `POST /integrations`.
pub(super) fn new_integration(params: &Params) -> Result<NewIntegration, Fault> {
    refuse_unknown(params, &PARAMETERS)?;
    let text = |name| params.text(name).map(|text| text.map(str::to_owned));
    let secret = |name| params.text(name).map(|text| text.map(Secret::new));
    Ok(NewIntegration {
        provider: text("provider")?.unwrap_or_default(),
        bucket: params.required_text("bucket")?.to_owned(),
        prefix: text("prefix")?,
        credentials: text("credentials")?,
        region: text("region")?,
        account_id: text("account_id")?,
        role_name: text("role_name")?,
        role_arn: text("role_arn")?,
        kms_key_arn: text("kms_key_arn")?,
        requester_pays: params.flag("requester_pays")?,
        endpoint_url: text("endpoint_url")?,
        path_style: params.flag("path_style")?,
        access_key_id: text("access_key_id")?,
        secret_access_key: secret("secret_access_key")?,
        service_account_key: key_file(params)?,
        user_project: text("user_project")?,
        account: text("account")?,
        shared_key: secret("shared_key")?,
        sas_token: secret("sas_token")?,
        tenant_id: text("tenant_id")?,
        client_id: text("client_id")?,
        client_secret: secret("client_secret")?,
        path: text("path")?,
        urls: links(params)?,
        filters: object(params, "filters")?.unwrap_or_default(),
        schedule: object(params, "schedule")?.unwrap_or_default(),
    })
}

/// `PATCH /integrations/{integration_id}`.
pub(super) fn change(params: &Params) -> Result<IntegrationChange, Fault> {
    refuse_unknown(params, &CHANGES)?;
    let text = |name| params.text(name).map(|text| text.map(str::to_owned));
    let secret = |name| params.text(name).map(|text| text.map(Secret::new));
    Ok(IntegrationChange {
        access_key_id: text("access_key_id")?,
        secret_access_key: secret("secret_access_key")?,
        service_account_key: key_file(params)?,
        shared_key: secret("shared_key")?,
        sas_token: secret("sas_token")?,
        client_secret: secret("client_secret")?,
        kms_key_arn: text("kms_key_arn")?,
        requester_pays: params.flag("requester_pays")?,
        region: text("region")?,
        filters: object(params, "filters")?,
        schedule: object(params, "schedule")?,
    })
}

fn refuse_unknown(params: &Params, known: &[&str]) -> Result<(), Fault> {
    match params.names().find(|name| !known.contains(name)) {
        Some(name) => Err(unknown_parameter(name, known)),
        None => Ok(()),
    }
}

/// A key file is JSON: as a text, or as the object itself.
fn key_file(params: &Params) -> Result<Option<Secret>, Fault> {
    match params.get("service_account_key") {
        Some(object @ serde_json::Value::Object(_)) => Ok(Some(Secret::new(object.to_string()))),
        _ => Ok(params.text("service_account_key")?.map(Secret::new)),
    }
}

/// Links have commas: a list is a list of JSON, or one link a line.
fn links(params: &Params) -> Result<Vec<String>, Fault> {
    match params.get("urls") {
        Some(serde_json::Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .ok_or_else(|| Fault::parameter("The parameter `urls` must be a list of links.")),
        _ => {
            let text = params.text("urls")?.unwrap_or_default();
            Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
        }
    }
}

fn object<T: DeserializeOwned>(params: &Params, name: &str) -> Result<Option<T>, Fault> {
    let Some(object) = params.object(name)? else { return Ok(None) };
    serde_json::from_value(object.into()).map(Some).map_err(|error| {
        Fault::parameter(format!("The parameter `{name}` has a field that is not one, or has no such value."))
            .value(error.to_string())
    })
}
