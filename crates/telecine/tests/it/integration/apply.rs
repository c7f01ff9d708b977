//! The ways to set a role up: they say the same, they are what AWS's own tools take, and what they make is verified.

use serde_json::{Map, Value, json};
use telecine::config::Config;
use telecine::ids::WorkspaceId;
use telecine::integration::{
    Integration, IntegrationStatus, NewIntegration, Provider, Role, RoleSetup, S3Access, Schedule,
    SetupFormat, general_template, policy_document, setup, setup_text,
};
use telecine::time::Timestamp;

use super::Desk;
use crate::support::customer::{Customer, parse_terraform};
use crate::support::servers::{Accounts, CUSTOMER_ACCOUNT, Servers};

const KEY: &str = "arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn role(arn: &str) -> Role {
    Role {
        account_id: CUSTOMER_ACCOUNT.to_owned(),
        arn: arn.to_owned(),
        external_id: "8f7c3a52-6f0f-4a34-9df5-0123456789ab".to_owned(),
    }
}

fn integration(arn: &str) -> Integration {
    let now = Timestamp::from_millis(1_700_000_000_000);
    let provider = Provider::aws_role(role(arn));
    let mut made = Integration::new(WorkspaceId::generate(now), provider, "films", now);
    made.id = "6553f1000000000000000001".parse().expect("an id");
    made.region = Some("us-west-2".to_owned());
    made
}

/// With everything that documents may have, and a prefix that no quoting may break.
fn rich() -> Integration {
    let mut made = integration("arn:aws-us-gov:iam::123456789012:role/video/Reader");
    made.prefix = "it's/50%* ${x}/%{y}\"".to_owned();
    made.schedule = Schedule {
        queue_url: Some("https://sqs.us-west-2.amazonaws.com/123456789012/changes".to_owned()),
        ..Schedule::default()
    };
    if let Provider::S3(S3Access { kms_key_arn, .. }) = &mut made.provider {
        *kms_key_arn = Some(KEY.to_owned());
    }
    made
}

fn trust(integration: &Integration, principal: &str) -> Value {
    let external_id = &integration.provider.role().expect("a role").external_id;
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "TelecineTakesTheRole",
        "Effect": "Allow",
        "Principal": {"AWS": principal},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }]})
}

fn setup_of(integration: &Integration) -> RoleSetup {
    let trust = trust(integration, "arn:aws:iam::999999999999:user/telecine");
    RoleSetup::of(integration, &trust).expect("it takes a role")
}

/// All ways as the API shows them, for people to read.
#[test]
fn the_ways_read_as_they_should() {
    for (name, integration) in
        [("plain", integration("arn:aws:iam::123456789012:role/TelecineIntegrationRole")), ("rich", rich())]
    {
        let setup = setup_of(&integration);
        for (format, way) in SetupFormat::ALL {
            insta::assert_snapshot!(format!("{name}_{format}"), setup_text(&setup, way).0);
        }
    }
}

#[test]
fn all_ways_have_the_same_documents() {
    let variants = [
        integration("arn:aws:iam::123456789012:role/TelecineIntegrationRole"),
        integration("arn:aws-cn:iam::123456789012:role/TelecineIntegrationRole-abc123"),
        rich(),
    ];
    for integration in variants {
        let wanted = setup_of(&integration);
        let (policy, trust) = (policy_document(&integration), wanted.trust.clone());
        let shown = setup(&integration, &Ok(trust.clone()), Some("https://films.s3.amazonaws.com/t.json"));

        let steps = shown["console"].as_array().expect("steps");
        assert_eq!((&steps[0]["policy_document"], &steps[1]["trust_document"]), (&policy, &trust));

        let documents = documents_in_shell(shown["cli"].as_str().expect("a script"));
        assert_eq!(documents, [policy.clone(), trust.clone()]);

        let resources = &shown["cloudformation"]["template"]["Resources"];
        let in_template = |template: &Value| {
            let properties = |name: &str| template[name]["Properties"].clone();
            (
                properties("TelecinePolicy")["PolicyDocument"].clone(),
                properties("TelecineRole")["AssumeRolePolicyDocument"].clone(),
            )
        };
        assert_eq!(in_template(resources), (policy.clone(), trust.clone()));

        let link = shown["cloudformation"]["quick_create_url"].as_str().expect("a link");
        let (_, query) = link.split_once("review?").expect("parameters");
        let parameters: Map<String, Value> =
            url::form_urlencoded::parse(query.as_bytes()).map(|(k, v)| (k.into_owned(), v.into())).collect();
        let general = resolve(&general_template()["Resources"], &parameters, &wanted.partition);
        assert_eq!(
            in_template(&general),
            (policy.clone(), trust.clone()),
            "the general template, by its link"
        );

        let terraform = parse_terraform(shown["terraform"].as_str().expect("HCL"));
        let mut found = [Value::Null, Value::Null];
        for resource in terraform["resource"].as_array().expect("resources") {
            for (kind, field, at) in
                [("aws_iam_policy", "policy", 0), ("aws_iam_role", "assume_role_policy", 1)]
            {
                let named =
                    resource[format!("\"{kind}\"")].as_object().and_then(|named| named.values().next());
                if let Some(text) = named.and_then(|body| body[field].as_str()) {
                    found[at] = heredoc(text);
                }
            }
        }
        assert_eq!(found, [policy, trust], "Terraform");
    }
}

/// `POLICY='…'` and `TRUST='…'`.
fn documents_in_shell(script: &str) -> Vec<Value> {
    let quoted = |name: &str| {
        let (_, rest) = script.split_once(&format!("\n{name}='")).expect("a variable");
        let text = rest.split("'\n").next().expect("an end").replace(r"'\''", "'");
        serde_json::from_str(&text).expect("JSON")
    };
    vec![quoted("POLICY"), quoted("TRUST")]
}

/// What Terraform makes of a heredoc.
fn heredoc(text: &str) -> Value {
    let text = text.trim_matches('"').trim_start_matches("<<EOT\n").trim_end().trim_end_matches("EOT");
    serde_json::from_str(&text.replace("$${", "${").replace("%%{", "%{")).expect("JSON")
}

/// What CloudFormation makes of a template, as far as ours goes.
fn resolve(value: &Value, parameters: &Map<String, Value>, partition: &str) -> Value {
    let of = |name: &str| parameters.get(&format!("param_{name}")).cloned().unwrap_or("".into());
    let again = |value: &Value| resolve(value, parameters, partition);
    match value {
        Value::Array(items) => items.iter().map(again).filter(|item| item != "AWS::NoValue").collect(),
        Value::Object(fields) => {
            if let Some(name) = fields.get("Ref").and_then(Value::as_str) {
                return if name.starts_with("AWS::") { name.into() } else { of(name) };
            }
            if let Some(text) = fields.get("Fn::Sub").and_then(Value::as_str) {
                let mut text = text.replace("${AWS::Partition}", partition);
                for name in ["BucketName", "Prefix"] {
                    text = text.replace(&format!("${{{name}}}"), of(name).as_str().expect("a text"));
                }
                return text.into();
            }
            if let Some(parts) = fields.get("Fn::If").and_then(Value::as_array) {
                let condition = match parts[0].as_str() {
                    Some("HasPrefix") => of("Prefix"),
                    Some("HasKey") => of("KmsKeyArn"),
                    _ => of("QueueArn"),
                };
                return again(if condition == "" { &parts[2] } else { &parts[1] });
            }
            fields.iter().map(|(name, value)| (name.clone(), again(value))).collect()
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn commands_and_templates_make_roles_that_are_verified_and_may_be_run_again() {
    let servers = Servers::start(&["ministack"]);
    let accounts = Accounts::create(&servers, "films");
    let mut config = Config::default();
    config.aws.endpoint_url = Some(accounts.endpoint.clone());
    config.aws.region = Some("us-west-2".to_owned());
    config.aws.propagation_wait_s = 0;
    let key = accounts.credentials("platform");
    let desk =
        Desk::new(config, |opener| opener.credentials(key.access_key_id(), key.secret_access_key())).await;
    let new = |bucket: &str| NewIntegration {
        bucket: bucket.to_owned(),
        account_id: Some(CUSTOMER_ACCOUNT.to_owned()),
        ..NewIntegration::default()
    };
    let mut customer = Customer::start(&accounts.endpoint, &accounts.credentials("customer"));
    let text = async |made: &Integration, format| {
        let trust = desk.integrations().trust_document(made).await.expect("a trust document");
        setup_text(&RoleSetup::of(made, &trust).expect("a role"), format).0
    };

    // With a prefix that no shell may touch.
    let made =
        desk.integrations().create(desk.workspace, new("s3://films/it's $HOME `id`/")).await.expect("made");
    let script = text(&made, SetupFormat::Cli).await;
    for _ in 0..7 {
        // More often than a policy has versions.
        customer.must(&script);
    }
    let verified = desk.verify(&made).await;
    assert_eq!(verified.status, IntegrationStatus::Active, "{verified:#?}");

    let role_arn = Some(format!("arn:aws:iam::{CUSTOMER_ACCOUNT}:role/video/Reader"));
    let by_template = NewIntegration { role_arn, account_id: None, ..new("films") };
    let made = desk.integrations().create(desk.workspace, by_template).await.expect("made");
    let template = text(&made, SetupFormat::CloudFormation).await;
    let quoted = format!("'{}'", template.replace('\'', r"'\''"));
    customer.must(&format!(
        "aws cloudformation create-stack --stack-name t --template-body \
         {quoted} --capabilities CAPABILITY_NAMED_IAM && aws cloudformation wait stack-create-complete --stack-name t"
    ));
    let verified = desk.verify(&made).await;
    assert_eq!(verified.status, IntegrationStatus::Active, "{verified:#?}");
}
