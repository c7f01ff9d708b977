//! The cookie that carries a session: its name, its attributes, and reading it.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::fault::Result;

/// Its name.
pub(super) const SESSION_COOKIE: &str = "telecine_session";

/// The secret of the session that a request comes with.
pub(super) fn session(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, value)| *name == SESSION_COOKIE && !value.is_empty()).map(|(_, value)| value)
}

/// Has a browser keep a session for so many seconds; none to forget it. Scripts cannot read it, and no page of another
/// site has it sent along.
pub(super) fn set(secret: &str, max_age_s: u64, public_url: Option<&str>) -> Result<HeaderValue> {
    let is_https = public_url.is_some_and(|url| url.starts_with("https:"));
    let secure = if is_https { "; Secure" } else { "" };
    let text =
        format!("{SESSION_COOKIE}={secret}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}");
    Ok(HeaderValue::from_str(&text).map_err(anyhow::Error::from)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_is_found_among_others_in_one_line_or_several() {
        let of = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::COOKIE, HeaderValue::from_static(line));
            }
            session(&headers).map(str::to_owned)
        };
        assert_eq!(of(&["a=b; telecine_session=x=y;c=d"]), Some("x=y".to_owned()));
        assert_eq!(of(&["a=b", "telecine_session=x"]), Some("x".to_owned()));
        assert_eq!(of(&["telecine_session=", "telecine_sessions=x; my_telecine_session=y"]), None);
        assert_eq!(of(&[]), None);
    }
}
