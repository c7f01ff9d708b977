//! What a user may give to connect a bucket, and what they are told when it does not fit.

use serde_json::json;
use telecine::config::Config;
use telecine::fault::Code;
use telecine::integration::{
    AzureCredentials, GcsCredentials, Integration, IntegrationChange, NewIntegration, Provider, S3Access,
    S3Credentials, unknown_parameter,
};
use telecine::vault::Secret;

use super::Desk;

const ACCOUNT: &str = "123456789012";

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn new(provider: &str, bucket: &str) -> NewIntegration {
    NewIntegration { provider: provider.to_owned(), bucket: bucket.to_owned(), ..NewIntegration::default() }
}

fn key_file() -> Option<Secret> {
    let file = json!({
        "type": "service_account", "client_email": "reader@films.iam.gserviceaccount.com", "private_key": "k",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    Some(Secret::new(file.to_string()))
}

async fn desk() -> Desk {
    let mut config = Config::default();
    config.integrations.own_credentials_for = vec!["s3://own".to_owned(), "gs://own".to_owned()];
    config.aws.region = Some("us-west-2".to_owned());
    Desk::new(config, |opener| opener).await
}

fn s3(integration: &Integration) -> &S3Access {
    let Provider::S3(access) = &integration.provider else { panic!("a bucket of S3: {integration:#?}") };
    access
}

#[tokio::test]
async fn every_form_of_a_bucket_becomes_what_was_meant() {
    let desk = desk().await;
    let make = async |new: NewIntegration| {
        desk.integrations()
            .create(desk.workspace, new.clone())
            .await
            .unwrap_or_else(|error| panic!("{error}: {new:?}"))
    };
    let account = |new: NewIntegration| NewIntegration { account_id: text("1234-5678-9012"), ..new };

    let made = make(account(new(
        "",
        "https://eu-west-1.console.aws.amazon.com/s3/buckets/films?region=eu-west-1&prefix=2024/",
    )))
    .await;
    assert_eq!((made.bucket.as_str(), made.prefix.as_str()), ("films", "2024/"));
    assert_eq!(made.region.as_deref(), Some("eu-west-1"));
    assert_eq!(s3(&made).owner.as_deref(), Some(ACCOUNT));
    let role = made.provider.role().expect("a role");
    assert_eq!(role.arn, "arn:aws:iam::123456789012:role/TelecineIntegrationRole");

    let second = make(account(new("aws_s3", "arn:aws:s3:::films"))).await;
    let another = second.provider.role().expect("a role");
    assert!(
        another.arn.starts_with("arn:aws:iam::123456789012:role/TelecineIntegrationRole-"),
        "{}",
        another.arn
    );
    assert_ne!(another.external_id, role.external_id);

    let abroad = NewIntegration {
        role_arn: text("arn:aws-cn:iam::123456789012:role/video/Reader"),
        account_id: text("222222222222"),
        kms_key_arn: text("arn:aws-cn:kms:cn-north-1:123456789012:key/1234"),
        ..new("aws_s3", "abroad")
    };
    let made = make(abroad).await;
    assert_eq!(made.provider.role().expect("a role").account_id, ACCOUNT);
    assert_eq!(s3(&made).owner.as_deref(), Some("222222222222"), "the bucket's account may be another");

    let keys = NewIntegration {
        endpoint_url: text("https://s3.example.com/"),
        path_style: Some(false),
        region: text("eu-1"),
        access_key_id: text("AKIA"),
        secret_access_key: Some(Secret::new("secret")),
        ..new("s3_compatible", "keys")
    };
    let made = make(keys).await;
    let endpoint = s3(&made).endpoint.as_ref().expect("an endpoint");
    assert_eq!(
        (endpoint.url.as_str(), endpoint.path_style, endpoint.region.as_str()),
        ("https://s3.example.com", false, "eu-1")
    );
    assert_eq!(made.provider.name(), "s3_compatible");
    let sealed = made.secret.as_ref().expect("a sealed secret");
    assert_eq!(desk.vault.unseal(&made.id.to_string(), sealed).expect("it opens").reveal(), "secret");

    let made = make(NewIntegration { credentials: text("anonymous"), ..new("aws_s3", "public") }).await;
    assert_eq!((s3(&made).credentials.clone(), &s3(&made).owner), (S3Credentials::Anonymous, &None));
    let made = make(NewIntegration { credentials: text("instance"), ..new("aws_s3", "own") }).await;
    assert_eq!(s3(&made).credentials, S3Credentials::Instance);

    let made =
        make(NewIntegration { service_account_key: key_file(), ..new("gcs", "gs://films/2024/") }).await;
    let Provider::Gcs(access) = &made.provider else { panic!("of Google") };
    let client_email = "reader@films.iam.gserviceaccount.com".to_owned();
    assert_eq!(access.credentials, GcsCredentials::ServiceAccount { client_email });
    assert_eq!(made.prefix, "2024/");

    let sas = NewIntegration {
        account: text("films"),
        sas_token: Some(Secret::new("sv=1&sig=x")),
        ..new("azure_blob", "az://films")
    };
    let made = make(sas).await;
    let Provider::Azure(access) = &made.provider else { panic!("of Azure") };
    assert_eq!(access.credentials, AzureCredentials::Sas);

    let urls = vec!["https://1.1.1.1/a.mp4".to_owned(), "https://1.1.1.1/b,c.mp4".to_owned()];
    let made = make(NewIntegration { urls: urls.clone(), ..new("url_list", "links") }).await;
    assert_eq!(made.provider, Provider::Urls { urls });
}

#[tokio::test]
async fn what_does_not_fit_is_refused_by_its_name() {
    let desk = desk().await;
    let account = |new: NewIntegration| NewIntegration { account_id: text(ACCOUNT), ..new };
    let films = || account(new("aws_s3", "films"));
    let keys = || NewIntegration {
        access_key_id: text("AKIA"),
        secret_access_key: Some(Secret::new("s")),
        ..new("aws_s3", "films")
    };
    let table = [
        (new("ftp", "films"), "provider"),
        (new("aws_s3", "films"), "account_id"),
        (NewIntegration { prefix: text("2023/"), ..account(new("aws_s3", "films/2024/")) }, "prefix"),
        (NewIntegration { prefix: text("/2023"), ..films() }, "prefix"),
        (NewIntegration { role_name: text("a/b"), ..films() }, "role_name"),
        (NewIntegration { role_arn: text("arn:aws:iam::1:user/x"), ..films() }, "role_arn"),
        (
            NewIntegration {
                role_arn: text("arn:aws:iam::123456789012:role/x"),
                role_name: text("x"),
                ..films()
            },
            "role_name",
        ),
        (NewIntegration { kms_key_arn: text("alias/films"), ..films() }, "kms_key_arn"),
        (NewIntegration { requester_pays: Some(true), ..films() }, "requester_pays"),
        (NewIntegration { region: text("US West"), ..films() }, "region"),
        (NewIntegration { path_style: Some(true), ..films() }, "path_style"),
        (NewIntegration { credentials: text("magic"), ..films() }, "credentials"),
        (NewIntegration { credentials: text("role"), account_id: text(ACCOUNT), ..keys() }, "access_key_id"),
        (NewIntegration { role_name: text("x"), ..keys() }, "role_name"),
        (NewIntegration { secret_access_key: None, ..keys() }, "secret_access_key"),
        (NewIntegration { access_key_id: text("a key"), ..keys() }, "access_key_id"),
        (NewIntegration { credentials: text("instance"), ..new("aws_s3", "films") }, "own credentials"),
        (new("s3_compatible", "films"), "endpoint_url"),
        (NewIntegration { path: text("/films"), ..films() }, "path"),
        (NewIntegration { urls: vec!["https://a.example/b".to_owned()], ..films() }, "urls"),
        (new("gcs", "films"), "credentials"),
        (
            NewIntegration { service_account_key: Some(Secret::new("no JSON")), ..new("gcs", "films") },
            "service_account_key",
        ),
        (
            NewIntegration {
                account_id: text(ACCOUNT),
                service_account_key: key_file(),
                ..new("gcs", "films")
            },
            "account_id",
        ),
        (NewIntegration { credentials: text("sas"), ..new("azure_blob", "films") }, "account"),
        (
            NewIntegration {
                account: text("Films!"),
                credentials: text("anonymous"),
                ..new("azure_blob", "films")
            },
            "account",
        ),
        (
            NewIntegration { account: text("films"), credentials: text("sas"), ..new("azure_blob", "films") },
            "sas_token",
        ),
        (
            NewIntegration {
                account: text("films"),
                client_secret: Some(Secret::new("s")),
                client_id: text("c"),
                ..new("azure_blob", "films")
            },
            "tenant_id",
        ),
        (new("folder", "films"), "path"),
        (
            NewIntegration { account_id: text(ACCOUNT), path: text("/films"), ..new("folder", "films") },
            "account_id",
        ),
        (new("url_list", "links"), "urls"),
        (
            NewIntegration {
                urls: vec!["https://a.example/b".to_owned(); 10_001],
                ..new("url_list", "links")
            },
            "urls",
        ),
    ];
    for (new, name) in table {
        let refused = desk.integrations().create(desk.workspace, new.clone()).await;
        let error = refused.expect_err(&format!("{new:?}"));
        let fault = error.as_fault().unwrap_or_else(|| panic!("{error}: {new:?}"));
        assert!(matches!(fault.code, Code::ParameterInvalid | Code::ParameterNotProvided), "{fault}");
        assert!(fault.message.contains(name), "`{name}` is named: {fault}");
    }
}

#[tokio::test]
async fn a_role_is_for_one_integration() {
    let desk = desk().await;
    let role = |bucket: &str| NewIntegration {
        role_arn: text("arn:aws:iam::123456789012:role/Reader"),
        ..new("aws_s3", bucket)
    };
    desk.integrations().create(desk.workspace, role("films")).await.expect("it is made");
    let error =
        desk.integrations().create(desk.workspace, role("other")).await.expect_err("its id is another's");
    let fault = error.as_fault().expect("a fault");
    assert!(fault.rule.as_ref().is_some_and(|rule| rule.contains("role of its own")), "{fault}");
    let error = desk.integrations().create(desk.workspace, role("films")).await.expect_err("it is there");
    assert_eq!(error.as_fault().map(|fault| fault.code), Some(Code::IntegrationAlreadyExists));
}

#[tokio::test]
async fn a_secret_is_replaced_whole_and_where_it_leads_stays() {
    let desk = desk().await;
    let keys = NewIntegration {
        access_key_id: text("AKIA1"),
        secret_access_key: Some(Secret::new("one")),
        ..new("aws_s3", "films")
    };
    let made = desk.integrations().create(desk.workspace, keys).await.expect("it is made");
    let change = async |change: IntegrationChange| {
        desk.integrations()
            .change(desk.workspace, made.id, &change)
            .await
            .map(|changed| changed.expect("it is there"))
    };
    for wrong in [
        IntegrationChange { access_key_id: text("AKIA2"), ..IntegrationChange::default() },
        IntegrationChange { sas_token: Some(Secret::new("x")), ..IntegrationChange::default() },
        IntegrationChange { requester_pays: Some(true), ..IntegrationChange::default() },
        IntegrationChange { region: text("No Region"), ..IntegrationChange::default() },
    ] {
        change(wrong.clone()).await.expect_err(&format!("{wrong:?}"));
    }
    let changed = change(IntegrationChange {
        access_key_id: text("AKIA2"),
        secret_access_key: Some(Secret::new("two")),
        region: text("eu-west-1"),
        ..IntegrationChange::default()
    });
    let changed = changed.await.expect("it is changed");
    let S3Credentials::Keys { access_key_id } = &s3(&changed).credentials else { panic!("keys") };
    assert_eq!((access_key_id.as_str(), changed.region.as_deref()), ("AKIA2", Some("eu-west-1")));
    let sealed = changed.secret.as_ref().expect("a secret");
    assert_eq!(desk.vault.unseal(&made.id.to_string(), sealed).expect("it opens").reveal(), "two");
    assert_eq!((&changed.bucket, &changed.prefix), (&made.bucket, &made.prefix));
}

#[test]
fn a_parameter_that_nobody_knows_is_told_with_the_nearest_that_is() {
    let known = ["account_id", "role_name", "urls"];
    let fault = unknown_parameter("acount_id", &known);
    assert_eq!(fault.code, Code::ParameterUnknown);
    assert!(fault.remedy.is_some_and(|remedy| remedy.contains("`account_id`")));
    let fault = unknown_parameter("something_else_entirely", &known);
    assert!(fault.rule.is_some_and(|rule| rule.contains("`role_name`")));
    let fault = unknown_parameter("external_id", &known);
    assert!(fault.rule.is_some_and(|rule| rule.contains("made by this server")));
}
