//! The pages with a build of a few files.

use axum::body::{Body, to_bytes};
use tower::ServiceExt;

use super::*;

const INDEX: &[u8] =
    b"<!doctype html><meta name=nonce content=\"__CSP_NONCE__\"><style nonce=\"__CSP_NONCE__\"></style>";
const TABLE: Table = &[
    ("index.html", INDEX),
    ("index.html.br", b"with the placeholder in it"),
    ("favicon.svg", b"<svg/>"),
    ("assets/app-1a2b.js", b"plain"),
    ("assets/app-1a2b.js.br", b"brotli"),
    ("assets/app-1a2b.js.gz", b"gzip"),
    ("assets/app-1a2b.css", b"css"),
    ("assets/app-1a2b.css.gz", b"css gzip"),
    ("assets/inter-3c.woff2", b"font"),
];

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn ask(table: Table, method: Method, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = pages(table).oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = String::from_utf8(to_bytes(body, 1 << 20).await.unwrap().to_vec()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

async fn get_with(path: &str, headers: &[(&str, &str)]) -> Answer {
    ask(TABLE, Method::GET, path, headers).await
}

/// The nonce that the policy of an answer allows.
fn nonce(answer: &Answer) -> String {
    let policy = answer.header("content-security-policy");
    let (_, rest) = policy.split_once("'nonce-").expect("a nonce");
    rest.split('\'').next().unwrap().to_owned()
}

#[tokio::test]
async fn every_path_of_the_dashboard_is_its_page_with_a_fresh_nonce() {
    let mut nonces = std::collections::HashSet::new();
    for path in [
        "/dashboard",
        "/dashboard/",
        "/dashboard/integrations/65e1",
        "/dashboard/index.html",
        "/dashboard/a.b",
    ] {
        let answer = get_with(path, &[("accept-encoding", "br, gzip")]).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (200, "text/html; charset=utf-8"),
            "{path}"
        );
        let nonce = nonce(&answer);
        assert!(nonce.len() >= 22, "128 bits: {nonce}");
        assert_eq!(answer.body, String::from_utf8_lossy(INDEX).replace("__CSP_NONCE__", &nonce));
        assert_eq!(
            answer.header("content-security-policy"),
            format!(
                "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; \
                 media-src 'self' blob:; connect-src 'self'; font-src 'self'; form-action 'none'; base-uri 'none'; \
                 frame-ancestors 'none'"
            )
        );
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "no-cache"),
            ("content-encoding", ""),
            ("etag", ""),
        ] {
            assert_eq!(answer.header(name), value, "{path} {name}");
        }
        assert!(answer.header("permissions-policy").contains("camera=()"));
        assert!(nonces.insert(nonce), "a nonce was used twice");
    }
}

#[tokio::test]
async fn files_have_their_type_and_go_compressed_to_who_accepts_it() {
    let js = "/dashboard/assets/app-1a2b.js";
    let css = "/dashboard/assets/app-1a2b.css";
    let table = [
        (js, "gzip, deflate, br, zstd", "brotli", "br"),
        (js, "gzip;q=1.0, br;q=0", "gzip", "gzip"),
        (js, "GZIP", "gzip", "gzip"),
        (js, "", "plain", ""),
        (js, "identity, brotli", "plain", ""),
        (css, "br, gzip", "css gzip", "gzip"),
        (css, "br", "css", ""),
    ];
    for (path, accepted, body, coding) in table {
        let answer = get_with(path, &[("accept-encoding", accepted)]).await;
        let told = (answer.status, answer.body.as_str(), answer.header("content-encoding"));
        assert_eq!(told, (200, body, coding), "{path} for {accepted}");
        assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(answer.header("vary"), "accept-encoding");
        assert_eq!(answer.header("content-length"), body.len().to_string());
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
    for (path, kind, cached) in [
        (js, "text/javascript; charset=utf-8", "public, max-age=31536000, immutable"),
        (css, "text/css; charset=utf-8", "public, max-age=31536000, immutable"),
        ("/dashboard/assets/inter-3c.woff2", "font/woff2", "public, max-age=31536000, immutable"),
        ("/dashboard/favicon.svg", "image/svg+xml", "no-cache"),
    ] {
        let answer = get_with(path, &[]).await;
        assert_eq!((answer.header("content-type"), answer.header("cache-control")), (kind, cached), "{path}");
    }
    assert!(
        get_with("/dashboard/favicon.svg", &[]).await.header("content-security-policy").contains("'none'")
    );
}

#[tokio::test]
async fn what_a_browser_has_is_not_sent_again() {
    let js = "/dashboard/assets/app-1a2b.js";
    let brotli = [("accept-encoding", "br")];
    let first = get_with(js, &brotli).await;
    let tag = first.header("etag");
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 10, "{tag}");
    for known in [tag.to_owned(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
        let again = get_with(js, &[brotli[0], ("if-none-match", &known)]).await;
        assert_eq!((again.status, again.body.as_str(), again.header("etag")), (304, "", tag), "{known}");
        assert_eq!(again.header("cache-control"), first.header("cache-control"));
    }
    let plain = get_with(js, &[("if-none-match", tag)]).await;
    assert_eq!((plain.status, plain.body.as_str()), (200, "plain"), "other bytes have another tag");
    assert_ne!(plain.header("etag"), tag);
}

#[tokio::test]
async fn assets_that_are_not_there_and_other_methods_are_refused_in_words() {
    for path in [
        "/dashboard/assets/app-9z9z.js",
        "/dashboard/assets/",
        "/dashboard/assets/app-1a2b.js.br",
        "/dashboard/assets/../index.html",
    ] {
        let answer = get_with(path, &[]).await;
        assert_eq!((answer.status, answer.header("content-type")), (404, "application/json"), "{path}");
        assert!(answer.body.contains("endpoint_not_exists") && answer.body.contains("request_id"));
    }
    let posted = ask(TABLE, Method::POST, "/dashboard/", &[]).await;
    assert_eq!(posted.status, 404);
}

#[tokio::test]
async fn a_head_is_answered_without_a_body() {
    for path in ["/dashboard/", "/dashboard/assets/app-1a2b.js"] {
        let (whole, head) = (get_with(path, &[]).await, ask(TABLE, Method::HEAD, path, &[]).await);
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-length"), whole.body.len().to_string(), "{path}");
        assert_eq!(head.header("content-type"), whole.header("content-type"));
    }
}

#[tokio::test]
async fn a_program_without_the_dashboard_says_how_to_build_it() {
    let answer = ask(&[], Method::GET, "/dashboard/search", &[]).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("was not built") && answer.body.contains("make web"));
    assert!(answer.body.contains(&format!("<style nonce=\"{}\">", nonce(&answer))));
    assert_eq!(ask(&[], Method::GET, "/dashboard/assets/x.js", &[]).await.status, 404);
}
