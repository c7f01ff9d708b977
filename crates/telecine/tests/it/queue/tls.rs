//! NATS over TLS, for those who have a certificate, a name and a password: it is used, and what is wrong with the way is said.

use std::time::{Duration, Instant};

use telecine::fault::Code;
use telecine::queue::jetstream::{Finding, Level, check};
use telecine::queue::{JetStreamOptions, JetStreamQueue};

use super::house::{House, Kind, options};
use crate::store::lab::{Lab, failed};
use crate::support::log::Log;
use crate::support::servers::Servers;

/// Such as `user:password@` goes before the server's address.
fn as_whom(servers: &Servers, who: &str) -> JetStreamOptions {
    let fact = |name| servers.fact("nats-tls", name);
    let folder = std::path::PathBuf::from(fact("folder"));
    JetStreamOptions {
        ca_file: Some(folder.join("ca.pem")),
        client_certificate: Some((folder.join("client.pem"), folder.join("client.key"))),
        ..options(&fact("endpoint").replace("tls://", &format!("tls://{who}")))
    }
}

/// As the server knows us; the password has letters that addresses have other uses for.
const KNOWN: &str = "telecine:p%40ss%3Aword@";

#[tokio::test]
async fn tasks_come_over_tls_to_whoever_has_a_certificate_and_a_password() {
    let servers = Servers::start(&["nats-tls"]);
    let options = as_whom(&servers, KNOWN);
    let house = House::new(Lab::sqlite().await, Kind::Stream(options.clone()), None).await;
    let index = house.lab.index("films").await;
    let (_, tasks) = house.lab.transfer(index, &["a.mp4", "b.mp4"]).await;
    let claim = house.next().await;
    assert_eq!(claim.task, tasks[0]);
    let findings = check(&options).await;
    assert!(findings.iter().all(|finding| finding.level == Level::Ok), "{findings:?}");
    assert!(findings[2].found.contains("1 replicas and 2 messages"), "they came through it: {findings:?}");
    house.ends(&claim, failed(Code::VideoFileBroken)).await;
    assert_eq!(house.next().await.task, tasks[1]);
}

#[tokio::test]
async fn what_is_wrong_with_a_way_over_tls_is_said_and_how_to_mend_it() {
    let servers = Servers::start(&["nats-tls"]);
    let folder = std::path::PathBuf::from(servers.fact("nats-tls", "folder"));
    let known = as_whom(&servers, KNOWN);
    let key = folder.join("client.key");
    let with_authority = |name: &str| JetStreamOptions { ca_file: Some(folder.join(name)), ..known.clone() };
    let cases = [
        (with_authority("other-ca.pem"), "invalid peer certificate", "`queue.ca_file`"),
        (JetStreamOptions { ca_file: None, ..known.clone() }, "UnknownIssuer", "`queue.ca_file`"),
        (
            with_authority("missing.pem"),
            "missing.pem` is not valid for `queue.ca_file`: it must be",
            "Set it",
        ),
        (with_authority("client.key"), "client.key` is not valid for `queue.ca_file`: it must be", "Set it"),
        (
            JetStreamOptions { client_certificate: None, ..known.clone() },
            "CertificateRequired",
            "`queue.certificate_file`",
        ),
        (
            JetStreamOptions { client_certificate: Some((key, folder.join("client.pem"))), ..known.clone() },
            "is not valid for `queue.certificate_file`",
            "Set it",
        ),
        (as_whom(&servers, "telecine:wrong@"), "authorization violation", "`queue.url`"),
        (as_whom(&servers, ""), "authorization violation", "`queue.url`"),
    ];
    for (options, found, remedy) in cases {
        let began = Instant::now();
        let findings = check(&options).await;
        let [Finding { name: "nats", level: Level::Failed, found: said, remedy: Some(told) }] = &findings[..]
        else {
            panic!("{findings:?}")
        };
        assert!(said.contains(found) && told.contains(remedy), "{found}: {findings:?}");
        assert!(!said.contains("ss%3A") && !said.contains("wrong"), "no password is told: {said}");
        assert!(began.elapsed() < Duration::from_secs(5), "{said} after {:?}", began.elapsed());
    }
}

#[tokio::test]
async fn whoever_starts_with_another_authority_works_from_the_table_and_says_why() {
    let log = Log::default();
    let _logging = tracing::subscriber::set_default(log.subscriber(tracing::Level::WARN));
    let servers = Servers::start(&["nats-tls"]);
    let folder = std::path::PathBuf::from(servers.fact("nats-tls", "folder"));
    let missing = JetStreamOptions { ca_file: Some(folder.join("missing.pem")), ..as_whom(&servers, KNOWN) };
    let lab = Lab::sqlite().await;
    let refused = JetStreamQueue::open(missing, lab.store.clone(), lab.clock.clone()).await.unwrap_err();
    assert!(format!("{refused:#}").contains("missing.pem` is not valid for `queue.ca_file`"), "{refused:#}");
    let other = JetStreamOptions { ca_file: Some(folder.join("other-ca.pem")), ..as_whom(&servers, KNOWN) };
    let house = House::new(lab, Kind::Stream(other), None).await;
    let task = house.lab.task(house.lab.index("films").await, "a.mp4").await;
    let began = Instant::now();
    let claim = loop {
        if let Some(claim) = house.claim().await {
            break claim;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "{}", log.text());
    };
    assert_eq!(claim.task, task);
    while !log.text().contains("UnknownIssuer") {
        assert!(began.elapsed() < Duration::from_secs(5), "{}", log.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(log.text().contains("nats cannot be reached") && log.text().contains("`queue.ca_file`"));
    house.queue.close().await;
}
