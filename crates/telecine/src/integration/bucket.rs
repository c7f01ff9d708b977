//! Names that users give: of buckets in the forms in which they are copied, of accounts and roles. Pure.

use url::Url;

use crate::fault::Fault;

/// A bucket as a user names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BucketName {
    pub(super) name: String,
    /// Told by an ARN: `aws`, `aws-cn` or `aws-us-gov`.
    pub(super) partition: Option<String>,
}

/// A bucket's name, given as such, as `s3://bucket`, as an ARN, or as the URL of the console or of the bucket.
pub(super) fn parse_bucket(given: &str) -> Result<BucketName, Fault> {
    let given = given.trim();
    let wrong = |message: &str| Fault::parameter(format!("The parameter `bucket` {message}")).value(given);
    let named = |name: &str| BucketName { name: name.to_owned(), partition: None };
    let (bucket, rest) = if let Some(address) = given.strip_prefix("s3://") {
        let (name, rest) = address.split_once('/').unwrap_or((address, ""));
        (named(name), rest.to_owned())
    } else if given.starts_with("arn:") {
        parse_arn(given).ok_or_else(|| {
            wrong("is an ARN, but not one of a bucket: those look like `arn:aws:s3:::bucket`.")
        })?
    } else if given.starts_with("https://") || given.starts_with("http://") {
        let (name, rest) = parse_url(given)
            .ok_or_else(|| wrong("is a URL, but not one of a bucket at AWS: give the bucket's name."))?;
        (named(&name), rest)
    } else {
        (named(given), String::new())
    };
    if !rest.is_empty() {
        return Err(wrong(
            "names a part of a bucket; whole buckets are connected. Leave out what follows the name.",
        ));
    }
    if !is_bucket_name(&bucket.name) {
        return Err(wrong(
            "is not the name of a bucket: those have 3 to 63 lowercase letters, digits, dots and hyphens.",
        ));
    }
    Ok(bucket)
}

/// Bucket and what follows it.
fn parse_arn(arn: &str) -> Option<(BucketName, String)> {
    let mut parts = arn.splitn(6, ':').skip(1);
    let (partition, service, _, _, resource) =
        (parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    if service != "s3" || !partition.starts_with("aws") || resource.contains(':') {
        return None;
    }
    let (name, rest) = resource.split_once('/').unwrap_or((resource, ""));
    // `arn:aws:s3:::bucket/*` stands in policies for all objects.
    let rest = if rest == "*" { "" } else { rest };
    Some((BucketName { name: name.to_owned(), partition: Some(partition.to_owned()) }, rest.to_owned()))
}

/// Bucket and prefix.
fn parse_url(given: &str) -> Option<(String, String)> {
    let url = Url::parse(given).ok()?;
    let host = url.host_str()?;
    let path = url.path().trim_start_matches('/');
    let is_aws = |host: &str| host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
    if host == "console.aws.amazon.com" || host.ends_with(".console.aws.amazon.com") {
        let name = path.strip_prefix("s3/buckets/")?.split('/').next()?;
        let prefix =
            url.query_pairs().find(|(name, _)| name == "prefix").map(|(_, prefix)| prefix.into_owned());
        return Some((name.to_owned(), prefix.unwrap_or_default()));
    }
    if !is_aws(host) {
        return None;
    }
    let is_service = |label: &str| label == "s3" || label.starts_with("s3-");
    if host.split('.').next().is_some_and(is_service) {
        let (name, rest) = path.split_once('/').unwrap_or((path, ""));
        return Some((name.to_owned(), rest.to_owned()));
    }
    let at = host.find(".s3.").or_else(|| host.find(".s3-"))?;
    Some((host[..at].to_owned(), path.to_owned()))
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
    let is_good = (1..=64).contains(&given.len())
        && given.bytes().all(|byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
        });
    if is_good {
        return Ok(given.to_owned());
    }
    Err(Fault::parameter(
        "The parameter `role_name` is not the name of a role: up to 64 letters, digits and `_+=,.@-`.",
    )
    .value(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_may_be_given_in_the_forms_in_which_it_is_copied() {
        for given in [
            "my-films",
            "  my-films ",
            "s3://my-films",
            "s3://my-films/",
            "arn:aws:s3:::my-films",
            "arn:aws:s3:::my-films/*",
            "https://s3.console.aws.amazon.com/s3/buckets/my-films",
            "https://us-west-2.console.aws.amazon.com/s3/buckets/my-films?region=us-west-2&tab=objects",
            "https://my-films.s3.us-west-2.amazonaws.com/",
            "https://my-films.s3.amazonaws.com",
            "https://my-films.s3-us-west-2.amazonaws.com/",
            "https://s3.us-west-2.amazonaws.com/my-films",
            "https://s3.amazonaws.com/my-films/",
        ] {
            assert_eq!(parse_bucket(given).map(|bucket| bucket.name), Ok("my-films".to_owned()), "{given}");
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
            "films/2024",
            "s3://",
            "s3://films/2024",
            "s3:///films",
            "arn:aws:sqs:us-west-2:123456789012:films",
            "arn:aws:s3:::films/2024/*",
            "arn:aws:s3:us-west-2:123456789012:accesspoint/films",
            "https://example.com/films",
            "https://us-west-2.console.aws.amazon.com/s3/buckets/films?prefix=2024/",
            "gs://films",
            "films\u{0}",
        ] {
            assert!(parse_bucket(given).is_err(), "{given:?}");
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
