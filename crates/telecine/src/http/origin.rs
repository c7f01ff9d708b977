//! Which page had a browser send a request that carries a session's cookie: only pages of this server may. Decides by
//! headers that no script can set; requests with a key are not asked.

use axum::http::{HeaderMap, Method, header};
use url::Url;

use crate::fault::{Code, Fault};

/// Refuses what a page of another address sent. Reading is refused where the browser says so; changes need the proof
/// that they are ours.
///
/// # Errors
/// `origin_not_allowed`.
pub(super) fn check(public_url: Option<&str>, method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return match text(headers, "sec-fetch-site") {
            None | Some("same-origin" | "none") => Ok(()),
            Some(site) => Err(Fault::new(Code::OriginNotAllowed).value(shortened("Sec-Fetch-Site", site))),
        };
    }
    check_if_told(public_url, headers)?;
    if headers.contains_key(header::ORIGIN) {
        return Ok(());
    }
    Err(Fault::because(Code::OriginNotAllowed, "The request does not say which page sent it.")
        .value("no header Origin"))
}

/// Refuses what says that a page of another address sent it. For requests that carry no cookie yet.
///
/// # Errors
/// `origin_not_allowed`.
pub(super) fn check_if_told(public_url: Option<&str>, headers: &HeaderMap) -> Result<(), Fault> {
    let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().unwrap_or("unreadable");
    if is_ours(public_url, text(headers, "host"), origin) {
        return Ok(());
    }
    Err(Fault::new(Code::OriginNotAllowed).value(shortened("Origin", origin)))
}

/// At its public address, the server is reached by that address's scheme only; by any other name, a proxy may have put
/// TLS before it, which only the browser knows. That another host's name leads here helps no page of that name: the
/// cookie is not sent to it.
fn is_ours(public_url: Option<&str>, host: Option<&str>, origin: &str) -> bool {
    let public =
        public_url.and_then(|url| Url::parse(url).ok()).map(|url| url.origin().ascii_serialization());
    if public.as_deref() == Some(origin) {
        return true;
    }
    let Some((_, origin_host)) = origin.split_once("://") else { return false };
    let is_public_host = public.is_some_and(|public| {
        public.split_once("://").is_some_and(|(_, public_host)| public_host.eq_ignore_ascii_case(origin_host))
    });
    let is_web = origin.starts_with("http://") || origin.starts_with("https://");
    is_web && !is_public_host && host.is_some_and(|host| host.eq_ignore_ascii_case(origin_host))
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn shortened(name: &str, value: &str) -> String {
    format!("{name}: {}", value.chars().take(100).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_ours_by_the_public_address_or_by_the_name_that_the_request_came_by() {
        let table = [
            (None, Some("archive.test:8080"), "http://archive.test:8080", true),
            (None, Some("archive.test"), "https://archive.test", true),
            (None, Some("archive.test"), "http://evil.test", false),
            (None, Some("archive.test"), "http://archive.test:81", false),
            (None, Some("archive.test"), "http://archive.test.evil.test", false),
            (None, Some("archive.test"), "null", false),
            (None, Some("archive.test"), "chrome-extension://archive.test", false),
            (None, None, "http://archive.test", false),
            (Some("https://films.test/"), Some("127.0.0.1:8080"), "https://films.test", true),
            (Some("https://films.test"), Some("films.test"), "http://films.test", false),
            (Some("https://films.test:443"), Some("x"), "https://films.test", true),
            (Some("https://films.test"), Some("127.0.0.1:8080"), "http://127.0.0.1:8080", true),
            (Some("https://films.test"), Some("127.0.0.1:8080"), "http://evil.test", false),
        ];
        for (public, host, origin, expected) in table {
            assert_eq!(is_ours(public, host, origin), expected, "{public:?} {host:?} {origin}");
        }
    }

    #[test]
    fn reading_is_refused_only_where_a_browser_says_that_another_site_asks() {
        for (site, expected) in
            [(None, true), (Some("same-origin"), true), (Some("none"), true), (Some("same-site"), false)]
        {
            let mut headers = HeaderMap::new();
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            assert_eq!(check(None, &Method::GET, &headers).is_ok(), expected, "{site:?}");
            assert!(check(None, &Method::POST, &headers).is_err(), "a change without Origin: {site:?}");
        }
    }
}
