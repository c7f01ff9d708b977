//! Everything that must not be reached: addresses that are not public, however they are written, named or led to.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use async_trait::async_trait;
use futures::TryStreamExt;
use telecine::source::{Lookup, Source, SourceErrorKind, UrlListSource};

use super::http::{guard, guarded, links};
use crate::support::stub::{Reply, Stub};

/// Names that only the test knows.
#[derive(Debug)]
pub(super) struct Told(HashMap<String, Vec<IpAddr>>);

#[async_trait]
impl Lookup for Told {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.get(name).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such name"))
    }
}

pub(super) fn told(names: &[(&str, &[&str])]) -> Arc<Told> {
    let parse = |address: &&str| address.parse().expect("an address");
    Arc::new(Told(
        names.iter().map(|(name, to)| ((*name).to_owned(), to.iter().map(parse).collect())).collect(),
    ))
}

#[tokio::test]
async fn no_trick_leads_to_an_address_that_is_not_public() {
    let secret = Stub::start(|_, _| Reply::new("200 OK", &[], "secret")).await;
    let port = secret.url().rsplit(':').next().expect("a port").to_owned();
    let here = [
        "http://127.0.0.1:PORT/",
        "http://127.0.0.1:PORT/film.mp4?x=y",
        "HTTP://127.0.0.1:PORT/",
        "http:127.0.0.1:PORT/",
        "http:/127.0.0.1:PORT/",
        "http:///127.0.0.1:PORT/",
        "http:\\\\127.0.0.1:PORT\\film.mp4",
        " \thttp://127.0.0.1:PORT/",
        "ht\ntp://127.0.0.1:PORT/",
        "https://127.0.0.1:PORT/",
        "http://127.1:PORT/",
        "http://127.0.1:PORT/",
        "http://127.255.255.254:PORT/",
        "http://127.0.0.1.:PORT/",
        "http://2130706433:PORT/",
        "http://017700000001:PORT/",
        "http://0177.0.0.1:PORT/",
        "http://0x7f000001:PORT/",
        "http://0x7f.0x0.0x0.0x1:PORT/",
        "http://0x7F.1:PORT/",
        "http://%31%32%37.0.0.1:PORT/",
        "http://１２７.０.０.１:PORT/",
        "http://①②⑦.⓪.⓪.①:PORT/",
        "http://127。0。0。1:PORT/",
        "http://0:PORT/",
        "http://0.0.0.0:PORT/",
        "http://[::1]:PORT/",
        "http://[0:0:0:0:0:0:0:1]:PORT/",
        "http://[::]:PORT/",
        "http://[::ffff:127.0.0.1]:PORT/",
        "http://[::ffff:7f00:1]:PORT/",
        "http://[::127.0.0.1]:PORT/",
        "http://[64:ff9b::7f00:1]:PORT/",
        "http://[2002:7f00:1::]:PORT/",
        "http://localhost:PORT/",
        "http://LocalHost:PORT/",
        "http://127.0.0.1:PORT#@example.com/",
        "http://127.0.0.1:PORT?@example.com/",
        "http://127.0.0.1:PORT\\@example.com/",
        "http://0x7f.0.0.1:PORT/",
        "http://0177.0x0.0.1:PORT/",
        "http://127.0.0x1:PORT/",
        "http://00000177.00000000.00000000.00000001:PORT/",
        "http://0.0.0.1:PORT/",
        "http://0x0:PORT/",
        "http://00:PORT/",
        "http://[::ffff:0:127.0.0.1]:PORT/",
        "http://[0000:0000:0000:0000:0000:ffff:7f00:0001]:PORT/",
        "http://[::7f00:1]:PORT/",
        "http://[64:ff9b::127.0.0.1]:PORT/",
        "http://[64:ff9b:1::7f00:1]:PORT/",
        "http://[2001:0:7f00:1::]:PORT/",
        "http://localhost.:PORT/",
        "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:PORT/",
        "http://lo\u{ad}calhost:PORT/",
        "http://%6c%6f%63%61%6c%68%6f%73%74:PORT/",
        "http://１２７.1:PORT/",
        "http://①②⑦.1:PORT/",
        "http://0x7f．1:PORT/",
        "http://\t127.0.0.1:PORT/",
        "http://127.0.0.1:\nPORT/",
        "\u{0}http://127.0.0.1:PORT/",
        "http:////127.0.0.1:PORT/",
        "http://127.0.0.1:0PORT/",
        "hTtPs:\\/127.0.0.1:PORT/",
    ];
    let elsewhere = [
        "http://10.0.0.1/",
        "http://172.16.5.4/",
        "http://192.168.1.1/",
        "http://100.100.100.200/latest/meta-data/",
        "http://169.254.169.254/latest/meta-data/iam/security-credentials/",
        "http://2852039166/latest/meta-data/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[fd00:ec2::254]/latest/meta-data/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://192.0.2.1/",
        "http://224.0.0.1/",
        "http://255.255.255.255/",
        "http://169.254.170.2/v2/credentials",
        "http://169.254.169.254./latest/meta-data/",
        "http://0xa9.0xfe.0xa9.0xfe/latest/meta-data/",
        "http://169.254.43518/latest/meta-data/",
        "http://[::a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[2002:a9fe:a9fe::]/",
        "http://[fd00:ec2::23]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[100::1]/",
        "http://[2001:db8::1]/",
        "http://192.0.0.192/",
        "http://192.0.0.170/",
        "http://[fd12:3456::1]/",
        "http://198.18.0.1/",
        "http://203.0.113.7/",
        "http://240.0.0.1/",
        "http://3232235777/",
        "http://0xc0a80101/",
        "http://0300.0250.1.1/",
    ];
    let no_link = [
        "http://example.com@127.0.0.1:PORT/",
        "http://user:password@example.com/film.mp4",
        "http://:secret@example.com/film.mp4",
        "ftp://example.com/film.mp4",
        "file:///etc/passwd",
        "gopher://127.0.0.1:PORT/_GET",
        "data:video/mp4;base64,AAAA",
        "s3://bucket/film.mp4",
        "//127.0.0.1:PORT/",
        "127.0.0.1:PORT/film.mp4",
        "film.mp4",
        "http://",
        "http://[::1%25lo]:PORT/",
        "http://127.0.0.1:99999/",
        "http://exa mple.com/",
        "",
        "http://127.0.0.1:PORT@127.0.0.1:PORT/",
        "http://127.0.0.256:PORT/",
        "http://4294967296:PORT/",
        "http://0x100000000:PORT/",
        "http://127.0.0.1%00.example.com/",
        "http://127.0.0.1%2f@example.com/",
        "http://[::1:PORT/",
        "http://[fe80::1%25eth0]/",
        "javascript:alert(1)",
        "ws://127.0.0.1:PORT/",
        "jar:http://127.0.0.1:PORT/!/",
    ];
    let bad_port =
        ["http://1.1.1.1:22/", "http://1.1.1.1:25/", "https://1.1.1.1:0/", "http://one.one.one.one:53/"];
    assert!(here.len() + elsewhere.len() >= 100, "{} tricks", here.len() + elsewhere.len());
    let here_by_name: &[&str] = &["127.0.0.1", "::1"];
    let lookup = told(&[("localhost", here_by_name), ("localhost.", here_by_name)]);
    let links = guarded(guard(&[]).lookup(lookup));
    use SourceErrorKind::{Denied, Unsupported};
    let table =
        [(&here[..], Denied), (&elsewhere[..], Denied), (&no_link[..], Unsupported), (&bad_port[..], Denied)];
    for (given, kind) in
        table.into_iter().flat_map(|(links, kind)| links.iter().map(move |link| (*link, kind)))
    {
        let link = given.replace("PORT", &port);
        let error = links.open(&link).await.map(drop).expect_err(&link);
        assert_eq!(error.kind, kind, "{link}: {error}");
        let fetched = links.fetch(&link, 100).await.map(drop).map_err(|error| error.kind);
        assert_eq!(fetched, Err(kind), "{link}");
    }
    assert!(secret.asked().is_empty(), "nobody came where nobody may come");
}

#[tokio::test]
async fn private_hosts_are_read_only_as_the_operator_allows_them() {
    let stub = Stub::start(|_, _| Reply::new("200 OK", &[("etag", "\"1\"")], "film")).await;
    let host_and_port = stub.url().trim_start_matches("http://").to_owned();
    let port = host_and_port.rsplit(':').next().expect("a port").to_owned();
    for allowed in [host_and_port.as_str(), "127.0.0.1"] {
        links(&[allowed]).open(&stub.url()).await.expect(allowed);
    }
    links(&["LOCALHOST"]).open(&format!("http://localhost:{port}/")).await.expect("names are allowed too");
    for allowed in ["127.0.0.1:1", "127.0.0.2", "localhost", "127.0.0", "", "0.0.1"] {
        let error = links(&[allowed]).open(&stub.url()).await.map(drop).expect_err(allowed);
        assert_eq!(error.kind, SourceErrorKind::Denied, "{allowed}: {error}");
    }
    let source = links(&[&stub.url()]).open(&stub.url()).await.expect("a source");
    let read = source.read("", None, 0..4).await.expect("a body");
    let read: Vec<u8> = read.map_ok(|bytes| bytes.to_vec()).try_concat().await.expect("all of it");
    assert_eq!(read, b"film");
}

#[tokio::test]
async fn no_name_leads_to_an_address_that_is_not_public() {
    let secret = Stub::start(|_, _| Reply::new("200 OK", &[], "secret")).await;
    let port = secret.url().rsplit(':').next().expect("a port").to_owned();
    let addresses = [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.169.254",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::7f00:1",
        "2002:7f00:1::",
        "2001:0:7f00:1::",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];
    for address in addresses {
        let lookup = told(&[("films.example", &[address]), ("xn--fsq.example", &[address, "127.0.0.1"])]);
        let links = guarded(guard(&["other.example"]).lookup(lookup));
        for link in [
            format!("http://films.example:{port}/film.mp4"),
            format!("https://FILMS.example:{port}/film.mp4"),
            format!("http://\u{4f8b}.example:{port}/film.mp4"),
        ] {
            let error = links.open(&link).await.map(drop).expect_err(&link);
            assert_eq!(error.kind, SourceErrorKind::Denied, "{link} → {address}: {error}");
        }
        let link = format!("https://films.example:{port}/film.mp4");
        let list = UrlListSource::new("films", links, vec![link.clone()]);
        let head = list.expect("a name may lead anywhere until it is looked up").head(&link).await;
        assert_eq!(head.map_err(|error| error.kind), Err(SourceErrorKind::Denied), "{address}");
    }
    assert!(secret.asked().is_empty(), "nobody came where nobody may come");
}

#[tokio::test]
async fn a_name_that_the_operator_allows_may_lead_anywhere() {
    let stub = Stub::start(|_, _| Reply::new("200 OK", &[("etag", "\"1\"")], "film")).await;
    let port = stub.url().rsplit(':').next().expect("a port").to_owned();
    let lookup = told(&[("films.example", &["127.0.0.1"]), ("other.example", &["127.0.0.1"])]);
    let links = guarded(guard(&["films.example"]).lookup(lookup));
    links.open(&format!("http://films.example:{port}/")).await.expect("it is allowed");
    let other = links.open(&format!("http://other.example:{port}/")).await.map(drop);
    assert_eq!(other.map_err(|error| error.kind), Err(SourceErrorKind::Denied));
    assert_eq!(stub.asked().len(), 1);
}

#[tokio::test]
async fn no_redirect_leads_to_an_address_that_is_not_public() {
    let secret = Stub::start(move |_, _| Reply::new("200 OK", &[], "secret")).await;
    let port = secret.url().rsplit(':').next().expect("a port").to_owned();
    for target in [
        secret.url(),
        format!("http://localhost:{port}/"),
        format!("//127.0.0.1:{port}/"),
        format!("\\\\127.0.0.1:{port}\\"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f.1:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://[64:ff9b::7f00:1]:{port}/"),
        format!("http://private.example:{port}/"),
        format!("https://private.example:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://[fd00:ec2::254]/latest/meta-data/".to_owned(),
        "http://10.0.0.1/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "ftp://127.0.0.1/film.mp4".to_owned(),
        "gopher://127.0.0.1/_GET".to_owned(),
        "data:video/mp4;base64,AAAA".to_owned(),
        "javascript:alert(1)".to_owned(),
        "http://1.1.1.1:22/".to_owned(),
        "http://user:password@PLACE/".to_owned(),
        "http://PLACE@127.0.0.1/".to_owned(),
        "http://[".to_owned(),
        String::new(),
    ] {
        let to = target.clone();
        let door = Stub::start(move |_, asked| {
            let place = asked.header("host").unwrap_or_default();
            let status = asked.head.get(5..8).unwrap_or_default();
            Reply::new(&format!("{status} Elsewhere"), &[("location", &to.replace("PLACE", place))], "")
        });
        let door = door.await;
        let lookup = told(&[("private.example", &["127.0.0.1"]), ("localhost", &["127.0.0.1", "::1"])]);
        let links = guarded(guard(&[&door.url()]).lookup(lookup));
        for status in [301, 302, 303, 307, 308] {
            let error = links.open(&format!("{}/{status}", door.url())).await.map(drop).expect_err(&target);
            let is_refused = matches!(error.kind, SourceErrorKind::Denied | SourceErrorKind::Unsupported);
            assert!(is_refused, "{status} {target}: {:?}: {error}", error.kind);
        }
    }
    assert!(secret.asked().is_empty(), "nobody came where nobody may come");
}
