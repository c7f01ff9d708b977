//! What a store says when it refuses: written as one line for people, and read again from that line by those who look for
//! the cause. Knows no store.

use std::fmt;

/// A refusal as a store words it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoreWords {
    /// Of HTTP.
    pub status: Option<u16>,
    /// Such as `AccessDenied`.
    pub code: Option<String>,
    /// The store's sentence; may be empty.
    pub message: String,
    /// The region that the answer names.
    pub region: Option<String>,
    /// What the store's own people need to find the request.
    pub request_id: Option<String>,
}

const REGION: &str = " (the bucket lies in ";
const REQUEST: &str = " (request id ";

impl fmt::Display for StoreWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = Vec::new();
        parts.extend(self.status.map(|status| status.to_string()));
        parts.extend(self.code.clone());
        f.write_str(&parts.join(" "))?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(region) = &self.region {
            write!(f, "{REGION}{region})")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, "{REQUEST}{id})")?;
        }
        Ok(())
    }
}

impl StoreWords {
    /// Reads a line of this form; anything else is a message.
    pub fn parse(line: &str) -> Self {
        let (rest, request_id) = cut(line, REQUEST);
        let (rest, region) = cut(rest, REGION);
        let (head, message) = rest.split_once(": ").unwrap_or((rest, ""));
        let mut words = head.split(' ');
        let status = words.next().and_then(|word| word.parse::<u16>().ok());
        let code = words.next().map(str::to_owned);
        if status.is_none() || words.next().is_some() {
            return Self { message: line.to_owned(), ..Self::default() };
        }
        Self { status, code, message: message.to_owned(), region, request_id }
    }
}

/// Takes ` (label value)` off the end.
fn cut<'a>(line: &'a str, label: &str) -> (&'a str, Option<String>) {
    let cut = line.strip_suffix(')').and_then(|rest| rest.rsplit_once(label));
    cut.map_or((line, None), |(rest, value)| (rest, Some(value.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_its_line() {
        let table = [
            (Some(403), Some("AccessDenied"), "User: a is not authorized: b", Some("eu-west-1"), Some("R1")),
            (Some(403), Some("AccessDenied"), "Access Denied", None, Some("R1")),
            (Some(301), None, "", Some("eu-west-1"), None),
            (Some(404), None, "", None, None),
            (Some(400), Some("ExpiredToken"), "It ended (long ago)", None, None),
        ];
        for (status, code, message, region, request_id) in table {
            let words = StoreWords {
                status,
                code: code.map(str::to_owned),
                message: message.to_owned(),
                region: region.map(str::to_owned),
                request_id: request_id.map(str::to_owned),
            };
            assert_eq!(StoreWords::parse(&words.to_string()), words, "{words}");
        }
    }

    #[test]
    fn what_has_another_form_is_a_message() {
        for line in ["connection refused", "404 page not found here", "", "dns error: no such name"] {
            assert_eq!(StoreWords::parse(line).message, line);
            assert_eq!(StoreWords::parse(line).status, None);
        }
    }
}
