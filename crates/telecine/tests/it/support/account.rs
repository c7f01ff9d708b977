//! An AWS account made of documents, for what no installable server enforces: KMS, requester pays, regions, whose a bucket
//! is, organizations, VPC endpoints, clocks. Answers are the XML that AWS documents; what decides about them are policy
//! documents and switches that are changed by what a remedy says, not by what a test knows.

use std::sync::{Arc, Mutex, MutexGuard};

use serde_json::{Value, json};
use telecine::integration::{Fix, Paste, PasteKind};
use telecine::time::{Clock, SystemClock};

use super::stub::{Asked, Reply, Stub};

/// The principal of the server in the account's eyes.
pub(crate) const PRINCIPAL: &str = "arn:aws:iam::999999999999:user/telecine";
pub(crate) const KEY: &str = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const SESSION: &str = "arn:aws:sts::123456789012:assumed-role/TelecineIntegrationRole/telecine";
const REGION: &str = "eu-west-1";
const BUCKET: &str = "films";

/// How it stands in the account. The default is one in which all is well.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) external_id: String,
    pub(crate) role_policy: Value,
    /// Whether objects are encrypted with [`KEY`].
    pub(crate) is_encrypted: bool,
    pub(crate) key_policy: Value,
    pub(crate) key_is_enabled: bool,
    /// What the organization allows, and what it denies but for an exception.
    pub(crate) organization: Value,
    pub(crate) organization_denies: bool,
    pub(crate) is_resource_control: bool,
    pub(crate) endpoint_policy: Value,
    pub(crate) owner: &'static str,
    pub(crate) requester_pays: bool,
    /// Whether the region is told in headers, as AWS does and some proxies do not let through.
    pub(crate) tells_region: bool,
    pub(crate) checks_region: bool,
    pub(crate) clock_is_off_at: Option<&'static str>,
    pub(crate) sessions_are_revoked: bool,
    pub(crate) max_session_s: u32,
    pub(crate) sts_is_off_in: Option<&'static str>,
    pub(crate) good_key: &'static str,
    pub(crate) throttles: bool,
    pub(crate) has_boundary: bool,
    pub(crate) is_cross_account: bool,
    pub(crate) bucket_policy: Value,
}

fn anything() -> Value {
    json!({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
}

fn nothing() -> Value {
    json!({"Statement": []})
}

impl Default for Account {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            external_id: String::new(),
            role_policy: nothing(),
            is_encrypted: false,
            key_policy: anything(),
            key_is_enabled: true,
            organization: anything(),
            organization_denies: false,
            is_resource_control: false,
            endpoint_policy: anything(),
            owner: "123456789012",
            requester_pays: false,
            tells_region: true,
            checks_region: false,
            clock_is_off_at: None,
            sessions_are_revoked: false,
            max_session_s: 3600,
            sts_is_off_in: None,
            good_key: "base-key",
            throttles: false,
            has_boundary: false,
            is_cross_account: false,
            bucket_policy: nothing(),
        }
    }
}

/// Whether a document allows it.
fn allows(document: &Value, action: &str, resource: &str) -> bool {
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => Vec::new(),
        }
    };
    let matches = |pattern: &String, text: &str| match pattern.split_once('*') {
        Some((before, _)) => text.starts_with(before),
        None => pattern == text,
    };
    document["Statement"].as_array().into_iter().flatten().any(|statement| {
        statement["Effect"] == "Allow"
            && texts(&statement["Action"]).iter().any(|pattern| matches(pattern, action))
            && texts(&statement["Resource"]).iter().any(|pattern| matches(pattern, resource))
    })
}

impl Account {
    /// What its people do when they are told this. Nothing is done that the remedy does not say.
    pub(crate) fn apply(&mut self, fix: &Fix) {
        for paste in &fix.documents {
            self.paste(paste);
        }
        for command in &fix.commands {
            self.run(command);
        }
    }

    fn paste(&mut self, paste: &Paste) {
        let target = match paste.kind {
            PasteKind::Policy => &mut self.role_policy,
            PasteKind::KeyPolicy => &mut self.key_policy,
            PasteKind::EndpointPolicy => &mut self.endpoint_policy,
            PasteKind::BucketPolicy => &mut self.bucket_policy,
            PasteKind::OrganizationPolicy => {
                let exception = &paste.document["Condition"]["ArnNotEquals"]["aws:PrincipalArn"];
                if exception == "arn:aws:iam::123456789012:role/TelecineIntegrationRole" {
                    self.organization_denies = false;
                }
                &mut self.organization
            }
            PasteKind::TrustPolicy => {
                let id = &paste.document["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"];
                self.external_id = id.as_str().unwrap_or_default().to_owned();
                return;
            }
        };
        if paste.replaces {
            *target = paste.document.clone();
        } else if let Some(statements) = target["Statement"].as_array_mut() {
            statements.push(paste.document.clone());
        }
    }

    fn run(&mut self, command: &str) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let after = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
        match words[..] {
            ["aws", "kms", "enable-key", ..] => self.key_is_enabled |= after("--key-id") == Some(&KEY),
            ["aws", "iam", "update-role", ..] => {
                let seconds = after("--max-session-duration").and_then(|word| word.parse().ok());
                self.max_session_s = seconds.unwrap_or(self.max_session_s);
            }
            ["aws", "iam", "delete-role-policy", ..] => {
                self.sessions_are_revoked &= after("--policy-name") != Some(&"AWSRevokeOlderSessions");
            }
            ["aws", "iam", "delete-role-permissions-boundary", ..] => {
                self.has_boundary &= after("--role-name") != Some(&"TelecineIntegrationRole");
            }
            ["timedatectl", "set-ntp", "true", ..] => self.clock_is_off_at = None,
            _ => {}
        }
    }

    fn answer(&self, asked: &Asked) -> Reply {
        if asked.body.contains("Action=") {
            return self.sts(asked);
        }
        self.s3(asked).unwrap_or_else(|reply| {
            if asked.head.starts_with("HEAD") {
                // Without a body: only the status tells.
                Reply::head_of(&reply)
            } else {
                reply
            }
        })
    }

    fn sts(&self, asked: &Asked) -> Reply {
        let authorization = asked.header("authorization").unwrap_or_default();
        let refuse = |status: &str, code: &str, message: &str| {
            let body = format!(
                "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
                 <Code>{code}</Code><Message>{message}</Message></Error><RequestId>R1</RequestId></ErrorResponse>"
            );
            Reply::new(status, &[("content-type", "text/xml")], body)
        };
        if !authorization.contains(&format!("Credential={}/", self.good_key)) {
            return refuse(
                "403 Forbidden",
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
            );
        }
        if self.clock_is_off_at == Some("sts") {
            let message = "Signature expired: 20240301T090000Z is now earlier than 20240301T094500Z (20240301T095500Z - \
                           10 min.)";
            return refuse("403 Forbidden", "SignatureDoesNotMatch", message);
        }
        if let Some(region) = self.sts_is_off_in
            && authorization.contains(&format!("/{region}/sts/"))
            && asked.body.contains("Action=AssumeRole")
        {
            return refuse(
                "403 Forbidden",
                "RegionDisabledException",
                &format!(
                    "STS is not activated in this region for account:999999999999. Your account administrator can \
                          activate STS in this region ({region}) using the IAM Console."
                ),
            );
        }
        if asked.body.contains("Action=GetCallerIdentity") {
            let body = format!(
                "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                 <GetCallerIdentityResult><Arn>{PRINCIPAL}</Arn><UserId>A</UserId><Account>999999999999</Account>\
                 </GetCallerIdentityResult></GetCallerIdentityResponse>"
            );
            return Reply::new("200 OK", &[("content-type", "text/xml")], body);
        }
        let given = url::form_urlencoded::parse(asked.body.as_bytes()).find(|(name, _)| name == "ExternalId");
        if given.is_none_or(|(_, id)| id != self.external_id) {
            let message = format!(
                "User: {PRINCIPAL} is not authorized to perform: sts:AssumeRole on resource: \
                 arn:aws:iam::123456789012:role/TelecineIntegrationRole"
            );
            return refuse("403 Forbidden", "AccessDenied", &message);
        }
        if self.max_session_s < 3600 {
            let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
            return refuse("400 Bad Request", "ValidationError", message);
        }
        let end = self.now() + jiff::SignedDuration::from_secs(3600);
        let end = end.strftime("%Y-%m-%dT%H:%M:%SZ");
        let body = format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
             <AssumedRoleUser><Arn>{SESSION}</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials>\
             <AccessKeyId>session</AccessKeyId><SecretAccessKey>session-secret-of-sts</SecretAccessKey>\
             <SessionToken>session-token-of-sts</SessionToken><Expiration>{end}</Expiration></Credentials></AssumeRoleResult>\
             </AssumeRoleResponse>"
        );
        Reply::new("200 OK", &[("content-type", "text/xml")], body)
    }

    fn refusal(&self, status: &str, code: &str, message: &str) -> Reply {
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <RequestId>REQUEST42</RequestId><HostId>host</HostId></Error>"
        );
        let date = self.date();
        let mut headers = vec![
            ("content-type", "application/xml"),
            ("x-amz-request-id", "REQUEST42"),
            ("date", date.as_str()),
        ];
        if self.tells_region {
            headers.push(("x-amz-bucket-region", REGION));
        }
        Reply::new(status, &headers, body)
    }

    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.clock.now().as_millis()).expect("a moment")
    }

    fn date(&self) -> String {
        let off = if self.clock_is_off_at == Some("s3") { 3600 } else { 0 };
        let now = self.now() + jiff::SignedDuration::from_secs(off);
        now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn denied(&self, action: &str, resource: &str, ending: &str) -> Reply {
        let quote = if action.starts_with("s3:") { "&quot;" } else { "" };
        let message = format!(
            "User: {SESSION} is not authorized to perform: {action} on resource: {quote}{resource}{quote} {ending}"
        );
        self.refusal("403 Forbidden", "AccessDenied", &message)
    }

    fn s3(&self, asked: &Asked) -> Result<Reply, Reply> {
        let mut line = asked.head.split_whitespace();
        let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key =
            path.trim_start_matches('/').strip_prefix(BUCKET).unwrap_or_default().trim_start_matches('/');
        let (action, resource) = match (method, key, query.contains("location")) {
            ("GET", "", true) => ("s3:GetBucketLocation", "arn:aws:s3:::films".to_owned()),
            (_, "", _) => ("s3:ListBucket", "arn:aws:s3:::films".to_owned()),
            (_, key, _) => ("s3:GetObject", format!("arn:aws:s3:::films/{key}")),
        };
        self.check(asked, action, &resource)?;
        let date = self.date();
        let headers = [("date", date.as_str()), ("x-amz-bucket-region", REGION)];
        let headers = &headers[..if self.tells_region { 2 } else { 1 }];
        Ok(match (method, key) {
            ("HEAD", "") => Reply::new("200 OK", headers, ""),
            ("HEAD", _) => Reply::cut("200 OK", &[headers, &[("etag", "\"v1\"")]].concat(), b"", 4),
            ("GET", "") if action == "s3:GetBucketLocation" => Reply::new(
                "200 OK",
                headers,
                format!(
                    "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{REGION}</LocationConstraint>"
                ),
            ),
            ("GET", "") => Reply::new(
                "200 OK",
                headers,
                "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>films</Name><IsTruncated>false\
                 </IsTruncated><Contents><Key>film.mp4</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>\
                 <ETag>&quot;v1&quot;</ETag><Size>4</Size><StorageClass>STANDARD</StorageClass></Contents>\
                 </ListBucketResult>",
            ),
            _ => Reply::new(
                "206 Partial Content",
                &[headers, &[("etag", "\"v1\""), ("content-range", "bytes 0-0/4")]].concat(),
                "f",
            ),
        })
    }

    fn check(&self, asked: &Asked, action: &str, resource: &str) -> Result<(), Reply> {
        let plain = || self.refusal("403 Forbidden", "AccessDenied", "Access Denied");
        if self.throttles {
            return Err(self.refusal("503 Slow Down", "SlowDown", "Please reduce your request rate."));
        }
        if self.clock_is_off_at == Some("s3") {
            let message = "The difference between the request time and the current time is too large.";
            return Err(self.refusal("403 Forbidden", "RequestTimeTooSkewed", message));
        }
        if self.sessions_are_revoked {
            return Err(self.refusal("400 Bad Request", "ExpiredToken", "The provided token has expired."));
        }
        let authorization = asked.header("authorization").unwrap_or_default();
        if self.checks_region && !authorization.contains(&format!("/{REGION}/s3/")) {
            let message = format!(
                "The authorization header is malformed; the region 'us-east-1' is wrong; expecting '{REGION}'"
            );
            return Err(self.refusal("400 Bad Request", "AuthorizationHeaderMalformed", &message));
        }
        if asked.header("x-amz-expected-bucket-owner").is_some_and(|owner| owner != self.owner) {
            return Err(plain());
        }
        if self.requester_pays && asked.header("x-amz-request-payer") != Some("requester") {
            return Err(plain());
        }
        self.check_policies(action, resource)
    }

    fn check_policies(&self, action: &str, resource: &str) -> Result<(), Reply> {
        let kind =
            if self.is_resource_control { "resource control policy" } else { "service control policy" };
        if self.organization_denies {
            return Err(self.denied(action, resource, &format!("with an explicit deny in a {kind}")));
        }
        let silent = |what: &str| {
            self.denied(action, resource, &format!("because no {what} allows the {action} action"))
        };
        if !allows(&self.organization, action, resource) {
            return Err(silent(kind));
        }
        if !allows(&self.endpoint_policy, action, resource) {
            return Err(silent("VPC endpoint policy"));
        }
        if self.has_boundary {
            return Err(silent("permissions boundary"));
        }
        if !allows(&self.role_policy, action, resource) {
            return Err(silent("identity-based policy"));
        }
        if self.is_cross_account && !allows(&self.bucket_policy, action, resource) {
            return Err(silent("resource-based policy"));
        }
        if action != "s3:GetObject" || !self.is_encrypted {
            return Ok(());
        }
        if !self.key_is_enabled {
            return Err(self.refusal(
                "400 Bad Request",
                "KMS.DisabledException",
                &format!("{KEY} is disabled."),
            ));
        }
        let undecrypted = |what: &str| {
            self.denied("kms:Decrypt", KEY, &format!("because no {what} allows the kms:Decrypt action"))
        };
        if !allows(&self.key_policy, "kms:Decrypt", KEY) {
            return Err(undecrypted("resource-based policy"));
        }
        if !allows(&self.role_policy, "kms:Decrypt", KEY) {
            return Err(undecrypted("identity-based policy"));
        }
        Ok(())
    }
}

/// The account behind an endpoint.
#[derive(Debug)]
pub(crate) struct AccountStub {
    stub: Stub,
    account: Arc<Mutex<Account>>,
}

impl AccountStub {
    pub(crate) async fn start(account: Account) -> Self {
        let account = Arc::new(Mutex::new(account));
        let answering = account.clone();
        let stub =
            Stub::start(move |_, asked| answering.lock().expect("no panic holds it").answer(asked)).await;
        Self { stub, account }
    }

    pub(crate) fn url(&self) -> String {
        self.stub.url()
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.stub.asked()
    }

    pub(crate) fn account(&self) -> MutexGuard<'_, Account> {
        self.account.lock().expect("no panic holds it")
    }
}
