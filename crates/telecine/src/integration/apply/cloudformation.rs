//! CloudFormation: a template of one integration, a general one with parameters, and the links that open the console
//! with either.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::RoleSetup;
use crate::source::policy::literal;

/// The template of this integration: nothing is left to fill in.
pub(super) fn template(setup: &RoleSetup) -> Value {
    let role_properties = json!({
        "RoleName": setup.role_name,
        "Path": setup.role_path,
        "AssumeRolePolicyDocument": setup.trust,
    });
    let policy_properties = json!({
        "ManagedPolicyName": setup.policy_name,
        "PolicyDocument": setup.policy,
        "Roles": [{"Ref": "TelecineRole"}],
    });
    let title = format!("Lets Telecine read the bucket {}", setup.bucket);
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": title,
        "Resources": {
            "TelecineRole": {"Type": "AWS::IAM::Role", "Properties": role_properties},
            "TelecinePolicy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": policy_properties},
        },
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["TelecineRole", "Arn"]}}},
    })
}

/// The template for every integration, whose values are parameters: what an operator puts into a public bucket once, for
/// quick-create links take templates from S3 only.
pub fn general_template() -> Value {
    let sub = |text: &str| json!({"Fn::Sub": text});
    let when = |condition: &str, statement: Value| json!({"Fn::If": [condition, statement, {"Ref": "AWS::NoValue"}]});
    let text = |about: &str| json!({"Type": "String", "Description": about});
    let optional = |about: &str| json!({"Type": "String", "Default": "", "Description": about});
    let is_given = |name: &str| json!({"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]});
    let bucket = sub("arn:${AWS::Partition}:s3:::${BucketName}");
    let list = |action: Value, condition: Option<Value>| {
        let mut statement = json!({
            "Sid": "TelecineListsTheBucket", "Effect": "Allow", "Action": action, "Resource": bucket,
        });
        if let Some(condition) = condition {
            statement["Condition"] = condition;
        }
        statement
    };
    let whole = list(json!(["s3:ListBucket", "s3:GetBucketLocation"]), None);
    let below = list(json!("s3:ListBucket"), Some(json!({"StringLike": {"s3:prefix": sub("${Prefix}*")}})));
    let statements = json!([
        {"Fn::If": ["HasPrefix", below, whole]},
        when("HasPrefix", json!({
            "Sid": "TelecineFindsTheRegion", "Effect": "Allow", "Action": "s3:GetBucketLocation", "Resource": bucket,
        })),
        {
            "Sid": "TelecineReadsItsObjects",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:GetObjectVersion"],
            "Resource": sub("arn:${AWS::Partition}:s3:::${BucketName}/${Prefix}*"),
        },
        when("HasKey", json!({
            "Sid": "TelecineDecryptsThem",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": {"Ref": "KmsKeyArn"},
            "Condition": {"StringLike": {"kms:ViaService": "s3.*.amazonaws.com*"}},
        })),
        when("HasQueue", json!({
            "Sid": "TelecineHearsOfChanges",
            "Effect": "Allow",
            "Action": ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
            "Resource": {"Ref": "QueueArn"},
        })),
    ]);
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "TelecineTakesTheRole",
        "Effect": "Allow",
        "Principal": {"AWS": {"Ref": "PrincipalArn"}},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": {"Ref": "ExternalId"}}},
    }]});
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Lets Telecine read a bucket",
        "Parameters": {
            "BucketName": text("The bucket"),
            "Prefix": optional("Only keys that begin with this"),
            "PrincipalArn": text("Who may take the role: the Telecine server"),
            "ExternalId": text("The external id of the integration"),
            "RoleName": text("Name of the role"),
            "RolePath": {"Type": "String", "Default": "/", "Description": "Path of the role"},
            "PolicyName": text("Name of the policy"),
            "KmsKeyArn": optional("The key that encrypts the objects"),
            "QueueArn": optional("The queue that tells of changes"),
        },
        "Conditions": {
            "HasPrefix": is_given("Prefix"), "HasKey": is_given("KmsKeyArn"), "HasQueue": is_given("QueueArn"),
        },
        "Resources": {
            "TelecineRole": {"Type": "AWS::IAM::Role", "Properties": {
                "RoleName": {"Ref": "RoleName"}, "Path": {"Ref": "RolePath"}, "AssumeRolePolicyDocument": trust,
            }},
            "TelecinePolicy": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
                "ManagedPolicyName": {"Ref": "PolicyName"},
                "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
                "Roles": [{"Ref": "TelecineRole"}],
            }},
        },
        "Outputs": {"RoleArn": {"Value": {"Fn::GetAtt": ["TelecineRole", "Arn"]}}},
    })
}

/// The values of an integration for the general template.
pub(super) fn parameters(setup: &RoleSetup) -> Vec<(&'static str, String)> {
    vec![
        ("BucketName", setup.bucket.clone()),
        ("Prefix", literal(&setup.prefix)),
        ("PrincipalArn", setup.principal_arn.clone()),
        ("ExternalId", setup.external_id.clone()),
        ("RoleName", setup.role_name.clone()),
        ("RolePath", setup.role_path.clone()),
        ("PolicyName", setup.policy_name.clone()),
        ("KmsKeyArn", setup.kms_key_arn.clone().unwrap_or_default()),
        ("QueueArn", setup.queue_arn.clone().unwrap_or_default()),
    ]
}

/// Where the console makes a stack of a template that is uploaded.
pub(super) fn create_url(setup: &RoleSetup) -> String {
    let region = &setup.region;
    format!("{}/cloudformation/home?region={region}#/stacks/create/template", setup.console())
}

/// Where the console makes the stack with one click.
pub(super) fn quick_create_url(setup: &RoleSetup, template_url: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let mut url = format!(
        "{}/cloudformation/home?region={}#/stacks/create/review?templateURL={}&stackName={}",
        setup.console(),
        setup.region,
        encoded(template_url),
        encoded(&setup.stack_name()),
    );
    for (name, value) in parameters(setup).iter().filter(|(_, value)| !value.is_empty()) {
        url.push_str(&format!("&param_{name}={}", encoded(value)));
    }
    url
}
