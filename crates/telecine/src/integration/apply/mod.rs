//! Equal ways to give this server what an integration needs: by the console, the AWS command line, CloudFormation or
//! Terraform; and for stores without roles, the one grant that is enough. All of them from the same documents. Pure: asks
//! nobody anything.

mod cli;
mod cloudformation;
mod console;
mod grants;
mod terraform;

pub(in crate::integration) use cli::quoted;
pub use cloudformation::general_template;

use serde_json::{Value, json};

use super::documents::{partition, policy_document};
use super::{Integration, POLICY_NAME, ROLE_NAME, Role};
use crate::fault::Fault;

/// Everything that the owner of a bucket has to apply for its role.
#[derive(Debug, Clone, PartialEq)]
pub struct RoleSetup {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The owner's account.
    pub account_id: String,
    /// The role.
    pub role_arn: String,
    /// Its name, without the path.
    pub role_name: String,
    /// Its path: `/`, or what stands between `role/` and the name.
    pub role_path: String,
    /// The policy's name.
    pub policy_name: String,
    /// What the role may do.
    pub policy: Value,
    /// Who may take it.
    pub trust: Value,
    /// Whom the trust document names.
    pub principal_arn: String,
    /// The integration's external id.
    pub external_id: String,
    /// The bucket.
    pub bucket: String,
    /// The part of the bucket.
    pub prefix: String,
    /// The region in which a stack is made: the bucket's, where it is known.
    pub region: String,
    /// The key that encrypts the objects.
    pub kms_key_arn: Option<String>,
    /// The queue that tells changes.
    pub queue_arn: Option<String>,
    /// What to call it when checking again.
    pub called: String,
}

impl RoleSetup {
    /// Of an integration that takes a role; `trust` is its trust document.
    pub fn of(integration: &Integration, trust: &Value) -> Option<Self> {
        let Role { account_id, arn, external_id } = integration.provider.role()?;
        let path_and_name = arn.split_once(":role").map_or("", |(_, rest)| rest);
        let (path, name) = path_and_name.rsplit_once('/').unwrap_or(("", path_and_name));
        let policy = policy_document(integration);
        let queue_arn = policy["Statement"].as_array().into_iter().flatten();
        let queue_arn =
            queue_arn.filter_map(|one| one["Resource"].as_str()).find(|arn| arn.contains(":sqs:"));
        Some(Self {
            partition: partition(integration),
            account_id: account_id.clone(),
            role_arn: arn.clone(),
            role_name: name.to_owned(),
            role_path: format!("{path}/"),
            policy_name: policy_name(name),
            queue_arn: queue_arn.map(str::to_owned),
            policy,
            trust: trust.clone(),
            principal_arn: trust["Statement"][0]["Principal"]["AWS"].as_str().unwrap_or_default().to_owned(),
            external_id: external_id.clone(),
            bucket: integration.bucket.clone(),
            prefix: integration.prefix.clone(),
            region: region_of_stack(integration),
            kms_key_arn: match &integration.provider {
                super::Provider::S3(access) => access.kms_key_arn.clone(),
                _ => None,
            },
            called: called(integration),
        })
    }

    /// The ARN of the policy.
    pub fn policy_arn(&self) -> String {
        format!("arn:{}:iam::{}:policy/{}", self.partition, self.account_id, self.policy_name)
    }

    /// The console's address; the path begins behind it.
    pub(super) fn console(&self) -> &'static str {
        match self.partition.as_str() {
            "aws-cn" => "https://console.amazonaws.cn",
            "aws-us-gov" => "https://console.amazonaws-us-gov.com",
            _ => "https://console.aws.amazon.com",
        }
    }

    /// A name for the stack.
    pub(super) fn stack_name(&self) -> String {
        let suffix = self.role_name.strip_prefix(ROLE_NAME).unwrap_or(&self.role_name);
        let suffix: String =
            suffix.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        match suffix.trim_matches('-') {
            "" => "TelecineIntegration".to_owned(),
            suffix => format!("TelecineIntegration-{suffix}"),
        }
    }

    /// Commands that create policy and role, or bring what is there up to date.
    pub fn commands(&self) -> Vec<String> {
        [cli::policy(self), cli::role(self), cli::attach(self)].concat()
    }

    /// Of them those for the policy, attached.
    pub(super) fn policy_commands(&self) -> Vec<String> {
        [cli::policy(self), cli::attach(self)].concat()
    }

    /// Of them the one for the trust policy of a role that is there.
    pub(super) fn trust_commands(&self) -> Vec<String> {
        vec![cli::trust(self)]
    }
}

/// The policy that belongs to a role: the fixed names belong together, and a role of another name has its own policy.
pub(super) fn policy_name(role_name: &str) -> String {
    match role_name.strip_prefix(ROLE_NAME) {
        Some(suffix) => format!("{POLICY_NAME}{suffix}"),
        None => format!("{POLICY_NAME}-{role_name}"),
    }
}

/// What a person calls an integration: its bucket, or its id where the bucket does not tell.
pub(super) fn called(integration: &Integration) -> String {
    if integration.prefix.is_empty() { integration.bucket.clone() } else { integration.id.to_string() }
}

fn region_of_stack(integration: &Integration) -> String {
    integration.region.clone().unwrap_or_else(|| {
        match partition(integration).as_str() {
            "aws-cn" => "cn-north-1",
            "aws-us-gov" => "us-gov-west-1",
            _ => "us-east-1",
        }
        .to_owned()
    })
}

/// One way of setting an integration up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupFormat {
    /// Steps in the console.
    Console,
    /// Commands of the AWS CLI.
    Cli,
    /// A template.
    CloudFormation,
    /// HCL.
    Terraform,
}

impl SetupFormat {
    /// All, by their names in the API.
    pub const ALL: [(&'static str, Self); 4] = [
        ("console", Self::Console),
        ("cli", Self::Cli),
        ("cloudformation", Self::CloudFormation),
        ("terraform", Self::Terraform),
    ];
}

/// One way as text, and what kind of text it is.
pub fn setup_text(setup: &RoleSetup, format: SetupFormat) -> (String, &'static str) {
    match format {
        SetupFormat::Console => (console::text(setup), "text/plain; charset=utf-8"),
        SetupFormat::Cli => (cli::script(setup), "text/x-shellscript; charset=utf-8"),
        SetupFormat::CloudFormation => {
            (format!("{:#}\n", cloudformation::template(setup)), "application/json")
        }
        SetupFormat::Terraform => (terraform::text(setup), "text/plain; charset=utf-8"),
    }
}

/// All ways as the API shows them. `trust` is the trust document, or why there is none; `template_url` is where a copy of
/// the general template lies, for the quick-create link.
pub fn setup(integration: &Integration, trust: &Result<Value, Fault>, template_url: Option<&str>) -> Value {
    if integration.provider.role().is_none() {
        return json!({"grant": grants::grant(integration)});
    }
    let Ok(trust) = trust else { return Value::Null };
    let Some(setup) = RoleSetup::of(integration, trust) else { return Value::Null };
    json!({
        "console": console::steps(&setup),
        "cli": cli::script(&setup),
        "cloudformation": {
            "stack_name": setup.stack_name(),
            "template": cloudformation::template(&setup),
            "capabilities": ["CAPABILITY_NAMED_IAM"],
            "create_url": cloudformation::create_url(&setup),
            "quick_create_url": template_url.map(|url| cloudformation::quick_create_url(&setup, url)),
        },
        "terraform": terraform::text(&setup),
    })
}

/// The grant of a store without roles as text.
pub fn grant_text(integration: &Integration) -> String {
    grants::text(&grants::grant(integration))
}
