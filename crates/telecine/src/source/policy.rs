//! What policies of AWS are written of. Pure; knows no bucket and no session.

/// In the resources of a policy, `*`, `?` and `${` have a meaning of their own.
pub(crate) fn literal(prefix: &str) -> String {
    let mut literal = String::with_capacity(prefix.len());
    let mut letters = prefix.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '*' | '?' => literal.extend(["${", letter.encode_utf8(&mut [0; 4]), "}"]),
            // Only before a brace does it begin a variable.
            '$' if letters.peek() == Some(&'{') => literal.push_str("${$}"),
            other => literal.push(other),
        }
    }
    literal
}

/// `https://sqs.us-west-2.amazonaws.com/123456789012/films` → `arn:aws:sqs:us-west-2:123456789012:films`.
pub(crate) fn queue_arn(partition: &str, url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    let mut host = url.host_str()?.split('.');
    let region = match (host.next()?, host.next()) {
        ("sqs", Some(region)) => region,
        _ => "*",
    };
    let mut path = url.path_segments()?;
    let (account, name) = (path.next()?, path.next()?);
    Some(format!("arn:{partition}:sqs:{region}:{account}:{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_queues_are_written_as_policies_have_them() {
        assert_eq!(literal("a/b c"), "a/b c");
        assert_eq!(literal("100%*?$ ${a}"), "100%${*}${?}$ ${$}{a}");
        assert_eq!(queue_arn("aws", "http://127.0.0.1:1/1/q").as_deref(), Some("arn:aws:sqs:*:1:q"));
        assert_eq!(queue_arn("aws", "no url"), None);
    }
}
