//! Names that users give: of buckets in the forms in which they are copied, of accounts and roles. Pure.

use url::Url;

use crate::fault::Fault;

/// A bucket as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BucketName {
    pub(super) name: String,
    /// What follows the name: only keys that begin with it. Empty for the whole bucket.
    pub(super) prefix: String,
    /// Told by a URL; a hint only.
    pub(super) region: Option<String>,
    /// Told by an ARN: `aws`, `aws-cn` or `aws-us-gov`.
    pub(super) partition: Option<String>,
}

/// A bucket's name, given as such, as `s3://bucket/prefix`, as an ARN, or as the URL of the console or of the bucket.
pub(super) fn parse_bucket(given: &str) -> Result<BucketName, Fault> {
    let given = given.trim();
    let wrong = |message: &str| Fault::parameter(format!("The parameter `bucket` {message}")).value(given);
    let bucket = if let Some(address) = given.strip_prefix("s3://") {
        split(address)
    } else if given.starts_with("arn:") {
        parse_arn(given).ok_or_else(|| {
            wrong("is an ARN, but not one of a bucket: those look like `arn:aws:s3:::bucket`.")
        })?
    } else if given.starts_with("https://") || given.starts_with("http://") {
        parse_url(given)
            .ok_or_else(|| wrong("is a URL, but not one of a bucket at AWS: give the bucket's name."))?
    } else {
        split(given)
    };
    if !is_bucket_name(&bucket.name) {
        return Err(wrong(
            "is not the name of a bucket: those have 3 to 63 lowercase letters, digits, dots and hyphens.",
        ));
    }
    Ok(bucket)
}

/// `bucket/prefix`.
fn split(text: &str) -> BucketName {
    let (name, prefix) = text.split_once('/').unwrap_or((text, ""));
    BucketName { name: name.to_owned(), prefix: prefix.to_owned(), region: None, partition: None }
}

fn parse_arn(arn: &str) -> Option<BucketName> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, service, region, account, resource) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Access points have a region and an account; buckets have neither.
    if service != "s3"
        || !region.is_empty()
        || !account.is_empty()
        || !partition.starts_with("aws")
        || resource.contains(':')
    {
        return None;
    }
    let bucket = split(resource);
    // `arn:aws:s3:::bucket/2024/*` stands in policies for all objects below.
    let prefix = bucket.prefix.strip_suffix('*').unwrap_or(&bucket.prefix).to_owned();
    Some(BucketName { partition: Some(partition.to_owned()), prefix, ..bucket })
}

fn parse_url(given: &str) -> Option<BucketName> {
    let url = Url::parse(given).ok()?;
    let host = url.host_str()?;
    let path = percent_encoding::percent_decode_str(url.path().trim_start_matches('/')).decode_utf8().ok()?;
    let query = |wanted: &str| {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    let consoles = ["console.aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com"];
    if consoles
        .iter()
        .any(|console| host.strip_suffix(console).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
    {
        let name = path.strip_prefix("s3/buckets/").or_else(|| path.strip_prefix("s3/object/"))?;
        let name = name.split('/').next()?.to_owned();
        let prefix = query("prefix").unwrap_or_default();
        return Some(BucketName { prefix, region: query("region"), ..split(&name) });
    }
    let service = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let region = region_of(service);
    let is_service = |label: &str| label == "s3" || label.starts_with("s3-");
    if service.split('.').next().is_some_and(is_service) {
        return Some(BucketName { region, ..split(&path) });
    }
    let at = service.rfind(".s3")?;
    Some(BucketName { name: service[..at].to_owned(), prefix: path.into_owned(), region, partition: None })
}

/// `films.s3.us-west-2` and `s3-us-west-2` → `us-west-2`.
fn region_of(service: &str) -> Option<String> {
    let (_, rest) = service.rsplit_once("s3")?;
    let region = rest.trim_start_matches(".dualstack").trim_start_matches(['.', '-']);
    is_region(region).then(|| region.to_owned())
}

/// Whether it looks like a region: `us-west-2`. Stores other than AWS call theirs what they like.
pub(super) fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn is_bucket_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    (3..=63).contains(&name.len())
        && name.bytes().all(|byte| is_inner(byte) || matches!(byte, b'.' | b'-'))
        && name.bytes().next().is_some_and(is_inner)
        && name.bytes().next_back().is_some_and(is_inner)
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
}

/// What follows the bucket in keys that belong to an integration.
pub(super) fn parse_prefix(given: &str) -> Result<String, Fault> {
    let rule = "a prefix is how keys begin, such as `2024/`: at most 512 bytes, without a slash at its start";
    let wrong = |message: &str| {
        Err(Fault::parameter(message).value(given.chars().take(120).collect::<String>()).rule(rule))
    };
    if given.len() > 512 {
        return wrong("The parameter `prefix` is too long.");
    }
    if given.starts_with('/') {
        return wrong("The parameter `prefix` begins with a slash, as keys hardly ever do.");
    }
    if given.contains('\0') {
        return wrong("The parameter `prefix` has a character that no key has.");
    }
    Ok(given.to_owned())
}

/// The name of a bucket at another store, or of a container; `gs://` or `az://` before it, and a prefix behind it.
pub(super) fn parse_other_bucket(given: &str, scheme: &str) -> Result<(String, String), Fault> {
    let address = given.trim();
    let address = address.strip_prefix(scheme).unwrap_or(address);
    let (name, prefix) = address.split_once('/').unwrap_or((address, ""));
    let is_good = (3..=222).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && name.as_bytes()[0].is_ascii_alphanumeric()
        && !name.contains("..");
    if is_good {
        return Ok((name.to_owned(), prefix.to_owned()));
    }
    let rule = "The parameter `bucket` is not the name of a bucket or container: letters, digits, dots, hyphens and \
                underscores.";
    Err(Fault::parameter(rule).value(given.chars().take(120).collect::<String>()))
}

/// What a folder is called in addresses.
pub(super) fn parse_folder_name(given: &str) -> Result<String, Fault> {
    let name = given.trim();
    let is_good = (1..=63).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
        && name.bytes().any(|byte| byte != b'.');
    if is_good {
        return Ok(name.to_owned());
    }
    let rule = "The parameter `bucket` is what the folder is called in addresses: 1 to 63 letters, digits, dots, \
                hyphens and underscores.";
    Err(Fault::parameter(rule).value(given))
}

/// The 12 digits of an account, however they are grouped.
pub(super) fn parse_account(given: &str) -> Result<String, Fault> {
    let digits: String = given.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    if digits.len() == 12 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(digits);
    }
    Err(Fault::parameter("The parameter `account_id` is not an AWS account: those have 12 digits.")
        .value(given)
        .remedy("The account's number stands in the menu at the upper right of the AWS console."))
}

/// The name of a role, without a path.
pub(super) fn parse_role(given: &str) -> Result<String, Fault> {
    if is_role_name(given) {
        return Ok(given.to_owned());
    }
    Err(Fault::parameter(
        "The parameter `role_name` is not the name of a role: up to 64 letters, digits and `_+=,.@-`.",
    )
    .value(given.chars().take(120).collect::<String>()))
}

fn is_role_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(is_of_a_name)
}

fn is_of_a_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

/// A role by its ARN, with any path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RoleArn {
    pub(super) partition: String,
    pub(super) account_id: String,
    pub(super) name: String,
}

/// `arn:aws:iam::123456789012:role/path/Name`.
pub(super) fn parse_role_arn(given: &str) -> Result<RoleArn, Fault> {
    let parts: Vec<&str> = given.splitn(6, ':').collect();
    let wrong = || {
        Fault::parameter(
            "The parameter `role_arn` is not the ARN of a role: those look like `arn:aws:iam::123456789012:role/Name`.",
        )
        .value(given.chars().take(200).collect::<String>())
    };
    let [_, partition, _, _, account, resource] = parts[..] else { return Err(wrong()) };
    let is_role = parts[0] == "arn"
        && matches!(partition, "aws" | "aws-cn" | "aws-us-gov")
        && parts[2] == "iam"
        && parts[3].is_empty()
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit());
    let path = resource.strip_prefix("role/").filter(|_| is_role && resource.len() <= 600);
    let path = path.ok_or_else(wrong)?;
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_path = path.split('/').all(|part| !part.is_empty() && part.bytes().all(is_of_a_name));
    if !is_role_name(name) || !is_path {
        return Err(wrong());
    }
    Ok(RoleArn { partition: partition.to_owned(), account_id: account.to_owned(), name: name.to_owned() })
}

/// `arn:aws:kms:us-west-2:123456789012:key/…`; aliases cannot stand in policies.
pub(super) fn parse_kms_key(given: &str) -> Result<String, Fault> {
    let parts: Vec<&str> = given.splitn(6, ':').collect();
    let is_key = given.len() <= 256
        && parts.len() == 6
        && parts[0] == "arn"
        && parts[1].starts_with("aws")
        && parts[2] == "kms"
        && is_region(parts[3])
        && parts[4].len() == 12
        && parts[4].bytes().all(|byte| byte.is_ascii_digit())
        && parts[5].strip_prefix("key/").is_some_and(|id| {
            !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
    if is_key {
        return Ok(given.to_owned());
    }
    Err(Fault::parameter(
        "The parameter `kms_key_arn` is not the ARN of a key: those look like \
         `arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab`.",
    )
    .value(given.chars().take(200).collect::<String>())
    .rule("an alias cannot stand in a policy: give the key it points to"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_be_given_in_the_forms_in_which_it_is_copied() {
        for (given, prefix, region) in [
            ("my-films", "", None),
            ("  my-films ", "", None),
            ("my-films/2024/", "2024/", None),
            ("s3://my-films", "", None),
            ("s3://my-films/", "", None),
            ("s3://my-films/a b/ü", "a b/ü", None),
            ("arn:aws:s3:::my-films", "", None),
            ("arn:aws:s3:::my-films/*", "", None),
            ("arn:aws:s3:::my-films/2024/*", "2024/", None),
            ("https://s3.console.aws.amazon.com/s3/buckets/my-films", "", None),
            (
                "https://us-west-2.console.aws.amazon.com/s3/buckets/my-films?region=us-west-2&tab=objects",
                "",
                Some("us-west-2"),
            ),
            (
                "https://us-west-2.console.aws.amazon.com/s3/buckets/my-films?region=us-west-2&prefix=a%20b/&tab=objects",
                "a b/",
                Some("us-west-2"),
            ),
            ("https://console.amazonaws.cn/s3/buckets/my-films?region=cn-north-1", "", Some("cn-north-1")),
            ("https://my-films.s3.us-west-2.amazonaws.com/", "", Some("us-west-2")),
            ("https://my-films.s3.us-west-2.amazonaws.com/2024%20a/", "2024 a/", Some("us-west-2")),
            ("https://my-films.s3.dualstack.us-west-2.amazonaws.com/", "", Some("us-west-2")),
            ("https://my-films.s3.amazonaws.com", "", None),
            ("https://my-films.s3-us-west-2.amazonaws.com/", "", Some("us-west-2")),
            ("https://my-films.s3.cn-north-1.amazonaws.com.cn/", "", Some("cn-north-1")),
            ("https://s3.us-west-2.amazonaws.com/my-films", "", Some("us-west-2")),
            ("https://s3-us-west-2.amazonaws.com/my-films/2024/", "2024/", Some("us-west-2")),
            ("https://s3.amazonaws.com/my-films/", "", None),
        ] {
            let bucket = parse_bucket(given).unwrap_or_else(|fault| panic!("{given}: {fault}"));
            let found = (bucket.name.as_str(), bucket.prefix.as_str(), bucket.region.as_deref());
            assert_eq!(found, ("my-films", prefix, region), "{given}");
        }
        let abroad = parse_bucket("arn:aws-cn:s3:::films.example").unwrap();
        assert_eq!((abroad.name.as_str(), abroad.partition.as_deref()), ("films.example", Some("aws-cn")));
    }

    #[test]
    fn what_is_no_bucket_is_refused() {
        for given in [
            "",
            "ab",
            "My-Films",
            "my_films",
            "-films",
            "films-",
            "my..films",
            "192.168.1.1",
            "s3://",
            "s3:///films",
            "arn:aws:sqs:us-west-2:123456789012:films",
            "arn:aws:s3:us-west-2:123456789012:accesspoint/films",
            "https://example.com/films",
            "https://films.s3.evil-amazonaws.com/",
            "https://evilconsole.aws.amazon.com.example/s3/buckets/films",
            "https://evilconsole.aws.amazon.com/s3/buckets/films",
            "gs://films",
            "films\u{0}",
        ] {
            assert!(parse_bucket(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn roles_are_taken_by_their_arns_with_any_path() {
        let role = parse_role_arn("arn:aws-us-gov:iam::123456789012:role/service/video/Reader").unwrap();
        assert_eq!(
            (role.partition.as_str(), role.account_id.as_str(), role.name.as_str()),
            ("aws-us-gov", "123456789012", "Reader")
        );
        for given in [
            "",
            "Reader",
            "arn:aws:iam::123456789012:user/Reader",
            "arn:aws:iam::12345678901:role/Reader",
            "arn:aws:iam:us-west-2:123456789012:role/Reader",
            "arn:aws:sts::123456789012:assumed-role/Reader/x",
            "arn:evil:iam::123456789012:role/Reader",
            "arn:aws:iam::123456789012:role/",
            "arn:aws:iam::123456789012:role//Reader",
            "arn:aws:iam::123456789012:role/a b",
            "arn:aws:iam::123456789012:role/Reader\"",
        ] {
            assert!(parse_role_arn(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn keys_prefixes_and_other_buckets_are_checked() {
        assert!(parse_kms_key("arn:aws:kms:us-west-2:123456789012:key/1234abcd-12ab").is_ok());
        for given in
            ["", "1234abcd", "arn:aws:kms:us-west-2:123456789012:alias/films", "arn:aws:kms:::key/1", "*"]
        {
            assert!(parse_kms_key(given).is_err(), "{given:?}");
        }
        assert!(parse_prefix("2024/ü*").is_ok() && parse_prefix("").is_ok());
        for given in ["/2024", "a\0b", &"x".repeat(513)] {
            assert!(parse_prefix(given).is_err(), "{given:?}");
        }
        let found = parse_other_bucket("gs://films_1.example/2024/", "gs://").unwrap();
        assert_eq!(found, ("films_1.example".to_owned(), "2024/".to_owned()));
        for given in ["", "a", "gs://", "a b c", "../films", "films..x", "-films"] {
            assert!(parse_other_bucket(given, "gs://").is_err(), "{given:?}");
        }
    }

    #[test]
    fn accounts_have_twelve_digits() {
        assert_eq!(parse_account("123456789012"), Ok("123456789012".to_owned()));
        assert_eq!(parse_account("1234-5678-9012"), Ok("123456789012".to_owned()));
        for given in ["", "12345678901", "1234567890123", "12345678901a", "١٢٣٤٥٦٧٨٩٠١٢"] {
            assert!(parse_account(given).is_err(), "{given:?}");
        }
    }

    #[test]
    fn names_of_roles_and_folders_are_checked() {
        assert!(parse_role("TelecineIntegrationRole").is_ok());
        for given in ["", "a/b", "a b", "r\u{f6}le", &"x".repeat(65)] {
            assert!(parse_role(given).is_err(), "{given:?}");
        }
        assert!(parse_folder_name("Films_2024.old").is_ok());
        for given in ["", "..", "a/b", "a b", &"x".repeat(64)] {
            assert!(parse_folder_name(given).is_err(), "{given:?}");
        }
    }
}
