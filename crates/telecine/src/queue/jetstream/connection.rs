//! How NATS is connected to: addresses, names and passwords, certificates; and why a connection cannot be made. Knows no stream.

use std::error::Error as StdError;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, bail};
use async_nats::rustls::pki_types::pem::PemObject as _;
use async_nats::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use async_nats::rustls::{AlertDescription, CertificateError, Error as TlsError};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use super::JetStreamOptions;
use super::link::REQUEST_LIMIT;

/// Dead connections are found after two of these.
const PING_EVERY: Duration = Duration::from_secs(4);
/// The longest pause between two tries to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long one try may take, whatever the number of servers.
const TRY_LIMIT: Duration = Duration::from_secs(15);

const NOT_REACHED: &str = "Start NATS, or set `queue.url` (and, where NATS asks for them, `queue.credentials_file` and \
    `queue.ca_file`) so that this machine reaches it.";
const NOT_TRUSTED: &str =
    "Set `queue.ca_file` to the certificates (PEM) of the authority that signed those of the NATS servers.";
const NOT_ITS_NAME: &str = "Use in `queue.url` the name for which the server's certificate was made, or have one made for this name or address.";
const NOT_VALID: &str = "Have the NATS server's certificate made anew, and look at the clocks of both hosts.";
const NOT_KNOWN: &str = "NATS asks for a certificate: set `queue.certificate_file` and `queue.certificate_key_file` to one that an \
    authority signed which NATS knows (`ca_file` of `tls` in nats.conf).";
const NOT_LET_IN: &str = "Put the user's name and password into `queue.url` (nats://user:password@host), or set \
    `queue.credentials_file`.";
const NO_TLS: &str = "Switch TLS on in NATS (`tls { cert_file: …, key_file: … }` in nats.conf), or use nats:// in `queue.url` without \
    `queue.ca_file`.";

/// Why there is no connection.
#[derive(Debug)]
pub(super) struct Why {
    pub(super) found: String,
    pub(super) remedy: &'static str,
}

/// Begins to connect, and connects anew for ever; that nobody answers is no error.
///
/// # Errors
/// Addresses or files that cannot be read.
pub(super) async fn connect(options: &JetStreamOptions) -> anyhow::Result<Client> {
    let (servers, connecting) = prepare(options).await?;
    connecting.retry_on_initial_connect().connect(servers).await.context("cannot connect to NATS")
}

/// A connection, or why there is none: each server is tried once.
pub(super) async fn once(options: &JetStreamOptions) -> Result<Client, Why> {
    let (servers, connecting) = match prepare(options).await {
        Ok(prepared) => prepared,
        Err(error) => {
            return Err(Why { found: format!("{error:#}"), remedy: "Set it to what the message says." });
        }
    };
    let names: Vec<String> = servers.iter().map(|one| format!("{}:{}", one.host(), one.port())).collect();
    let names = names.join(", ");
    match tokio::time::timeout(TRY_LIMIT, connecting.connect(servers)).await {
        Ok(Ok(client)) => Ok(client),
        Ok(Err(error)) => Err(Why { found: format!("{names}: {error}"), remedy: remedy(&error) }),
        Err(_) => Err(Why { found: format!("{names}: no answer in time"), remedy: NOT_REACHED }),
    }
}

fn remedy(error: &async_nats::ConnectError) -> &'static str {
    if matches!(error.kind(), ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication) {
        return NOT_LET_IN;
    }
    match tls_error(error) {
        Some(TlsError::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => NOT_TRUSTED,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                NOT_ITS_NAME
            }
            _ => NOT_VALID,
        },
        Some(TlsError::AlertReceived(
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::HandshakeFailure,
        )) => NOT_KNOWN,
        Some(TlsError::InvalidMessage(_)) => NO_TLS,
        _ => NOT_REACHED,
    }
}

fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    let mut next = Some(error);
    while let Some(one) = next {
        if let Some(found) = one.downcast_ref::<TlsError>() {
            return Some(found);
        }
        // What an I/O error wraps is not its source, but in its place.
        let wrapped = one.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => one.source(),
        };
    }
    None
}

async fn prepare(options: &JetStreamOptions) -> anyhow::Result<(Vec<ServerAddr>, ConnectOptions)> {
    // The one crypto library of this program; it is an error only if it was chosen before.
    let _ = async_nats::rustls::crypto::aws_lc_rs::default_provider().install_default();
    let servers: Vec<ServerAddr> = options
        .servers
        .iter()
        .map(|server| server.parse().context("an address of NATS cannot be read"))
        .collect::<anyhow::Result<_>>()?;
    let mut connecting = ConnectOptions::new()
        .name("telecine")
        .connection_timeout(REQUEST_LIMIT)
        .request_timeout(Some(REQUEST_LIMIT))
        .ping_interval(PING_EVERY)
        .reconnect_delay_callback(|tries| {
            let pause = Duration::from_millis(50).saturating_mul(1 << tries.min(10)).min(LONGEST_PAUSE);
            pause.mul_f64(crate::queue::spread())
        })
        .event_callback(|event| async move { tracing::debug!(%event, "the connection to NATS") });
    if let Some(user) = servers.iter().find(|server| server.has_user_pass()) {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let name = plain(user.username().unwrap_or_default());
        connecting = match user.password() {
            Some(password) => connecting.user_and_password(name, plain(password)),
            None => connecting.token(name),
        };
    }
    // The client reads no names and passwords out of addresses, and tells addresses in its log.
    let servers = servers.into_iter().map(without_user).collect::<anyhow::Result<Vec<_>>>()?;
    if let Some(file) = &options.credentials_file {
        let rule = || not_valid("queue.credentials_file", file, "it must be a file with credentials of NATS");
        connecting = connecting.credentials_file(file).await.with_context(rule)?;
    }
    // A server that is found through another one is asked for TLS as well.
    let wants_tls = options.ca_file.is_some() || servers.iter().any(ServerAddr::tls_required);
    connecting = connecting.require_tls(wants_tls);
    if let Some(file) = &options.ca_file {
        certificates("queue.ca_file", file)?;
        connecting = connecting.add_root_certificates(file.clone());
    }
    if let Some((certificate, key)) = &options.client_certificate {
        certificates("queue.certificate_file", certificate)?;
        let rule =
            || not_valid("queue.certificate_key_file", key, "it must be a file with a private key in PEM");
        PrivateKeyDer::from_pem_file(key).with_context(rule)?;
        connecting = connecting.add_client_certificate(certificate.clone(), key.clone());
    }
    Ok((servers, connecting))
}

fn without_user(server: ServerAddr) -> anyhow::Result<ServerAddr> {
    let mut url = server.into_inner();
    let is_taken = url.set_username("").and_then(|()| url.set_password(None));
    is_taken.ok().context("an address of NATS cannot be read")?;
    Ok(ServerAddr::from_url(url)?)
}

/// The client reads them only when it connects, says nothing of what it cannot read, and takes a file without any.
fn certificates(setting: &str, file: &Path) -> anyhow::Result<()> {
    let rule = || not_valid(setting, file, "it must be a file with certificates in PEM");
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    if read.with_context(rule)?.is_empty() {
        bail!("{}: there is none in it", rule());
    }
    Ok(())
}

fn not_valid(setting: &str, file: &Path, rule: &str) -> String {
    format!("`{}` is not valid for `{setting}`: {rule}", file.display())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

    use super::*;

    /// What a server is told first by whoever connects to these addresses, in which `HERE` stands for its own.
    async fn told(addresses: &str) -> serde_json::Value {
        const INFO: &str = r#"INFO {"server_id":"a","server_name":"a","version":"2.11.0","proto":1,"host":"a","port":4222,"headers":true,"max_payload":1048576,"client_id":1}"#;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let here = listener.local_addr().unwrap().to_string();
        let servers = addresses.replace("HERE", &here).split(',').map(str::to_owned).collect();
        let _client = connect(&JetStreamOptions::new(servers)).await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(format!("{INFO}\r\n").as_bytes()).await.unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).await.unwrap();
        serde_json::from_str(line.strip_prefix("CONNECT ").unwrap()).unwrap()
    }

    #[tokio::test]
    async fn who_one_is_stands_in_an_address_and_holds_for_all_of_them() {
        let said = told("nats://HERE,nats://ma%20x:ge%3Aheim@HERE").await;
        assert_eq!(
            (&said["user"], &said["pass"], &said["auth_token"]),
            (&"ma x".into(), &"ge:heim".into(), &().into())
        );
        let said = told("nats://ge%2Fheim@HERE").await;
        assert_eq!(
            (&said["user"], &said["pass"], &said["auth_token"]),
            (&().into(), &().into(), &"ge/heim".into())
        );
    }
}
