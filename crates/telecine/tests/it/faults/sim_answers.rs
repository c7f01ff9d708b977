//! What the simulated store says to a request: as S3 would, but for what is planned to go wrong.

use std::ops::Range;

use super::sim::{Listing, Object, On, State, Wrong};

/// A request.
#[derive(Debug)]
pub(super) struct Asked {
    head: String,
    pub(super) body: String,
}

/// A part of an answer.
#[derive(Debug)]
pub(super) enum Step {
    Head(String),
    Body(Vec<u8>),
    Trickle(Vec<u8>),
    Reset,
}

impl Asked {
    pub(super) fn new(head: String) -> Self {
        Self { head, body: String::new() }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn session(&self) -> Option<&str> {
        self.header("x-amz-security-token")
    }

    fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// Behind the bucket: `/films/a.mp4?x-id=GetObject` → `a.mp4`.
    pub(super) fn key(&self) -> &str {
        let path = self.target().split('?').next().unwrap_or_default();
        path.strip_prefix("/films/").unwrap_or_default()
    }

    fn is_head(&self) -> bool {
        self.head.starts_with("HEAD ")
    }

    fn query(&self, name: &str) -> Option<String> {
        let (_, query) = self.target().split_once('?')?;
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }

    /// The range that is asked for.
    fn range(&self, size: usize) -> Range<usize> {
        let asked = self.header("range").and_then(|range| range.strip_prefix("bytes=")?.split_once('-'));
        let Some((first, last)) = asked else { return 0..size };
        let (first, last): (usize, usize) =
            (first.parse().expect("a number"), last.parse().expect("a number"));
        first.min(size)..size.min(last + 1)
    }
}

/// The answer, and what it changes.
pub(super) fn answer(state: &mut State, asked: &Asked) -> Vec<Step> {
    if asked.body.contains("Action=AssumeRole") {
        state.sessions += 1;
        return session(state.sessions);
    }
    if asked.query("list-type").is_some() {
        return list(state, asked);
    }
    let on = if asked.is_head() { On::Head } else { On::Get };
    let session = asked.session().map(str::to_owned);
    let Some(object) = state.objects.get_mut(asked.key()) else {
        return refused("404 Not Found", "NoSuchKey", asked);
    };
    match on {
        On::Head => object.tally.heads += 1,
        On::Get => object.tally.gets += 1,
    }
    let wrong = object.draw(on);
    match wrong {
        Some(Wrong::Refused(status, code)) => return refused(status, code, asked),
        Some(Wrong::Redirect) => return elsewhere(asked),
        Some(Wrong::Expired) => {
            state.over.extend(session);
            return refused("400 Bad Request", "ExpiredToken", asked);
        }
        Some(Wrong::Replaced) => {
            object.content = std::mem::take(&mut object.next);
            object.version += 1;
        }
        _ => {}
    }
    let condition = asked.header("if-match").map(|etag| etag.trim_matches('"'));
    if condition.is_some_and(|etag| etag != object.etag()) && !object.ignores_if_match {
        return refused("412 Precondition Failed", "PreconditionFailed", asked);
    }
    match on {
        On::Head => head(object, wrong),
        On::Get => get(object, asked, wrong),
    }
}

fn head(object: &Object, wrong: Option<Wrong>) -> Vec<Step> {
    let size = match wrong {
        Some(Wrong::Reset) => return vec![Step::Reset],
        Some(Wrong::NoSize) => String::new(),
        Some(Wrong::TooLarge) => format!("content-length: {}\r\n", object.content.len() + 10),
        _ => format!("content-length: {}\r\n", object.content.len()),
    };
    vec![Step::Head(format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\n{size}etag: \"{}\"\r\n\r\n",
        object.etag()
    ))]
}

fn get(object: &Object, asked: &Asked, wrong: Option<Wrong>) -> Vec<Step> {
    let size = object.content.len();
    let mut range = asked.range(size);
    match wrong {
        Some(Wrong::Whole) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {size}\r\netag: \"{}\"\r\n\r\n",
                object.etag()
            );
            return vec![Step::Head(head), Step::Body(object.content.clone())];
        }
        Some(Wrong::OtherRange) if range.start == 0 => range = 1..range.end,
        Some(Wrong::OtherRange) => range = 0..range.len(),
        _ => {}
    }
    let mut body = object.content[range.clone()].to_vec();
    if wrong == Some(Wrong::Longer) {
        body.extend([0; 100]);
    }
    let (first, last) = (range.start, range.end.saturating_sub(1));
    let head = Step::Head(format!(
        "HTTP/1.1 206 Partial Content\r\nconnection: close\r\ncontent-length: {}\r\ncontent-range: bytes {first}-{last}/{size}\r\n\
         etag: \"{}\"\r\n\r\n",
        body.len(),
        object.etag()
    ));
    match wrong {
        Some(Wrong::Truncated) => vec![head, Step::Body(body[..body.len() / 2].to_vec())],
        Some(Wrong::Reset) => vec![head, Step::Body(body[..body.len() / 2].to_vec()), Step::Reset],
        Some(Wrong::Trickle) => vec![head, Step::Trickle(body)],
        _ => vec![head, Step::Body(body)],
    }
}

/// An answer of S3 that refuses; one to HEAD has no body.
pub(super) fn refused(status: &str, code: &str, asked: &Asked) -> Vec<Step> {
    let xml =
        format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>About {code}.</Message></Error>");
    document(status, "", if asked.is_head() { "" } else { &xml })
}

fn elsewhere(asked: &Asked) -> Vec<Step> {
    let headers = format!("location: {}\r\nx-amz-bucket-region: eu-west-1\r\n", asked.target());
    document("307 Temporary Redirect", &headers, "")
}

fn document(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    vec![Step::Head(format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-type: application/xml\r\n{headers}content-length: {length}\r\n\r\n{body}"
    ))]
}

fn session(number: u32) -> Vec<Step> {
    let end = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let end = end.strftime("%Y-%m-%dT%H:%M:%SZ");
    let body = format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser>\
         <Arn>arn:aws:sts::123456789012:assumed-role/R/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>session{number}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>\
         <SessionToken>token{number}</SessionToken><Expiration>{end}</Expiration></Credentials></AssumeRoleResult>\
         </AssumeRoleResponse>"
    );
    document("200 OK", "", &body)
}

/// A page of two keys.
fn list(state: &mut State, asked: &Asked) -> Vec<Step> {
    state.lists += 1;
    let given = asked.query("continuation-token");
    let after = asked.query("start-after").or_else(|| given.clone()).unwrap_or_default();
    let new = format!("token-{}", state.lists);
    let keys: Vec<&String> = state.objects.keys().collect();
    let page = |from: usize| keys.iter().skip(from).take(2).map(|key| (*key).clone()).collect::<Vec<_>>();
    let (shown, next) = match &mut state.listing {
        Listing::Garbage(times @ 1..) => {
            *times -= u32::from(*times != u32::MAX);
            return document("200 OK", "", "<html><body>It works!");
        }
        Listing::Right | Listing::Garbage(_) => {
            let from = keys.iter().filter(|key| ***key <= after).count();
            let shown = page(from);
            let next = (from + 2 < keys.len()).then(|| shown.last().cloned()).flatten();
            (shown, next)
        }
        Listing::SameToken => (page(0), Some("token".to_owned())),
        Listing::TwoPages if given.as_deref() == Some("two") => (page(2), Some("one".to_owned())),
        Listing::TwoPages => (page(0), Some("two".to_owned())),
        Listing::FirstPageAgain => (page(0), Some(new)),
        Listing::Nothing => (Vec::new(), Some(new)),
    };
    let contents: String = shown
        .iter()
        .map(|key| format!("<Contents><Key>{key}</Key><Size>1</Size><ETag>&quot;v0&quot;</ETag></Contents>"))
        .collect();
    let rest = next.map_or("<IsTruncated>false</IsTruncated>".to_owned(), |next| {
        format!("<IsTruncated>true</IsTruncated><NextContinuationToken>{next}</NextContinuationToken>")
    });
    document(
        "200 OK",
        "",
        &format!("<ListBucketResult><Name>films</Name>{contents}{rest}</ListBucketResult>"),
    )
}
