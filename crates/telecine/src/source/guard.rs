//! Which hosts this server connects to for a user: those of the internet, and what the operator allows beside them.
//! Names are looked up here and checked, and nothing else is connected to, so that no second look-up can answer
//! otherwise.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::public;
use crate::config::UrlConfig;

/// What users are told.
pub(super) const NOT_PUBLIC: &str = "the host has no public address, and this server reads no others";

/// A name that leads to no public address.
#[derive(Debug, thiserror::Error)]
#[error("{NOT_PUBLIC}")]
pub(super) struct NotPublic;

/// Who says what addresses a name has.
#[async_trait]
pub trait Lookup: fmt::Debug + Send + Sync {
    /// Every address of the name.
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// The machine's own way.
#[derive(Debug, Clone, Copy)]
struct SystemLookup;

#[async_trait]
impl Lookup for SystemLookup {
    async fn lookup(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// The rule, and who is asked about names.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Arc<[String]>,
    lookup: Arc<dyn Lookup>,
}

impl Guard {
    /// Hosts that may lie at private addresses are the operator's to name.
    pub fn new(config: &UrlConfig) -> Self {
        let allowed = config.allow_private_hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Self { allowed, lookup: Arc::new(SystemLookup) }
    }

    /// With another one who knows the addresses of names.
    #[must_use]
    pub fn lookup(self, lookup: Arc<dyn Lookup>) -> Self {
        Self { lookup, ..self }
    }

    /// Whether the operator allows this host (and port), wherever it lies.
    pub(super) fn is_allowed(&self, url: &Url) -> bool {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0));
        let with_port = format!("{host}:{port}");
        self.allowed.iter().any(|allowed| allowed == host || *allowed == with_port)
    }

    /// What can be told of a URL before its name is looked up. Addresses that stand in a URL are checked here: clients
    /// look up names only.
    pub(super) fn check(&self, url: &Url) -> Result<(), &'static str> {
        if self.is_allowed(url) {
            return Ok(());
        }
        if !url.port_or_known_default().is_some_and(|port| matches!(port, 80 | 443 | 1024..)) {
            return Err("this port is not one of the web");
        }
        let is_public = match url.host() {
            Some(Host::Ipv4(address)) => public::is_public(address.into()),
            Some(Host::Ipv6(address)) => public::is_public(address.into()),
            // Names are checked by what they lead to.
            Some(Host::Domain(_)) => true,
            None => false,
        };
        if is_public { Ok(()) } else { Err(NOT_PUBLIC) }
    }

    /// For clients of hosts that are checked: names lead to public addresses or nowhere.
    pub(super) fn public_names(&self) -> Names {
        Names { lookup: self.lookup.clone(), is_public_only: true }
    }

    /// For clients of hosts that the operator allows.
    pub(super) fn all_names(&self) -> Names {
        Names { lookup: self.lookup.clone(), is_public_only: false }
    }
}

/// Whether something may be sent to a URL that a user gives: encrypted, and not to an address that is told to be private,
/// unless the operator allows the host. Names are checked when they are connected to.
///
/// # Errors
/// Why not.
pub fn may_be_told(config: &UrlConfig, url: &Url) -> Result<(), &'static str> {
    let guard = Guard::new(config);
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err("only http and https are spoken");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it has a user or a password");
    }
    if url.scheme() == "http" && !guard.is_allowed(url) {
        return Err("it is not encrypted");
    }
    guard.check(url)
}

/// Looks names up for clients.
#[derive(Debug, Clone)]
pub(super) struct Names {
    lookup: Arc<dyn Lookup>,
    is_public_only: bool,
}

impl Names {
    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let mut found = self.lookup.lookup(name).await?;
        if self.is_public_only {
            found.retain(|address| public::is_public(*address));
        }
        if found.is_empty() { Err(NotPublic.into()) } else { Ok(found) }
    }
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let names = self.clone();
        Box::pin(async move {
            let found = names.addresses(name.as_str()).await?;
            Ok(Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

impl ResolveDns for Names {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move { self.addresses(name).await.map_err(ResolveDnsError::new) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Another answer to each question, over and over.
    #[derive(Debug)]
    struct Fickle(Vec<&'static [&'static str]>, AtomicUsize);

    #[async_trait]
    impl Lookup for Fickle {
        async fn lookup(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            let answer = self.0[self.1.fetch_add(1, Ordering::Relaxed) % self.0.len()];
            Ok(answer.iter().map(|address| address.parse().unwrap()).collect())
        }
    }

    fn names(answers: Vec<&'static [&'static str]>) -> Names {
        let lookup = Fickle(answers, AtomicUsize::new(0));
        Guard::new(&UrlConfig::default()).lookup(Arc::new(lookup)).public_names()
    }

    #[tokio::test]
    async fn of_a_names_addresses_only_public_ones_are_connected_to() {
        let mixed =
            names(vec![&["127.0.0.1", "1.1.1.1", "10.0.0.1", "::1", "::ffff:10.0.0.1", "2606:4700::1111"]]);
        let found = mixed.addresses("mixed.example").await.unwrap();
        assert_eq!(found, ["1.1.1.1".parse::<IpAddr>().unwrap(), "2606:4700::1111".parse().unwrap()]);
        let nowhere = names(vec![&[]]);
        assert!(nowhere.addresses("nowhere.example").await.unwrap_err().is::<NotPublic>());
    }

    #[tokio::test]
    async fn a_name_that_changes_its_mind_is_checked_each_time() {
        // Who looks up once to check and once more to connect would take the second answer.
        let rebinding = names(vec![&["1.1.1.1"], &["169.254.169.254"]]);
        assert!(rebinding.addresses("rebinding.example").await.is_ok());
        assert!(rebinding.addresses("rebinding.example").await.unwrap_err().is::<NotPublic>());
        // What clients of either kind connect to is the answer that was checked, not another.
        let rebinding = names(vec![&["1.1.1.1"], &["127.0.0.1"]]);
        let name = || "rebinding.example".parse::<Name>().unwrap();
        let found: Vec<SocketAddr> = rebinding.resolve(name()).await.ok().unwrap().collect();
        assert_eq!(found, ["1.1.1.1:0".parse().unwrap()]);
        assert!(rebinding.resolve_dns("rebinding.example").await.is_err());
        assert_eq!(
            rebinding.resolve_dns("rebinding.example").await.unwrap(),
            ["1.1.1.1".parse::<IpAddr>().unwrap()]
        );
        assert!(rebinding.resolve(name()).await.is_err());
    }
}
