//! Secrets at rest: sealed with a key that lies outside the database, each bound to the thing that it belongs to. Knows
//! neither what a secret is for nor where the sealed ones are kept.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use sha2::{Digest, Sha256};

use crate::fault::{Code, Fault, Result};

/// Bytes of the key.
const KEY_BYTES: usize = 32;
/// Says how what follows is sealed: AES-256-GCM under a key that the next four bytes tell apart from others.
const FORMAT: u8 = 1;
const KEY_MARK_BYTES: usize = 4;
const HEAD_BYTES: usize = 1 + KEY_MARK_BYTES + NONCE_LEN;

/// A secret in the clear; it cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one request that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret that only the vault can open.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// As it was stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// To be stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// Seals and opens.
pub struct Vault {
    key: RandomizedNonceKey,
    /// What keys for other purposes are made of.
    seed: [u8; KEY_BYTES],
    mark: [u8; KEY_MARK_BYTES],
}

impl Vault {
    /// With the key in this file; a new one is made when there is no file.
    ///
    /// # Errors
    /// When the file cannot be read or made, or is no key.
    pub fn open(file: &Path) -> anyhow::Result<Self> {
        let read = || std::fs::read(file).with_context(|| format!("cannot read the key {}", file.display()));
        let key = match std::fs::exists(file)? {
            true => read()?,
            false => {
                make_key(file).with_context(|| format!("cannot make the key {}", file.display()))?;
                // Another process may just have made it: what lies there counts.
                read()?
            }
        };
        Self::with_key(&key).with_context(|| format!("{} is no key of {KEY_BYTES} bytes", file.display()))
    }

    /// With a key in hand.
    ///
    /// # Errors
    /// When it is not 32 bytes long.
    pub fn with_key(key: &[u8]) -> anyhow::Result<Self> {
        let wrong = |_| anyhow::anyhow!("a key of {} bytes", key.len());
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(wrong)?;
        let digest = Sha256::digest(key);
        let mark = std::array::from_fn(|at| digest[at]);
        Ok(Self { key: sealing, seed: keyed(key, b"telecine derived keys"), mark })
    }

    /// What tells this vault's key from others; it tells nothing of it.
    pub fn mark(&self) -> String {
        self.derived("mark").iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// A key for another purpose, such as signing links: the same wherever this vault's key is. It tells nothing of it.
    pub fn derived(&self, purpose: &str) -> [u8; KEY_BYTES] {
        keyed(&self.seed, purpose.as_bytes())
    }

    /// Seals a secret for its owner, such as an integration's id: moved to another owner's row, it does not open.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn seal(&self, owner: &str, secret: &Secret) -> Result<Sealed> {
        let mut text = secret.0.as_bytes().to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::from(owner), &mut text);
        let nonce = nonce.map_err(|_| anyhow::anyhow!("a secret could not be sealed"))?;
        let mut sealed = vec![FORMAT];
        sealed.extend(self.mark);
        sealed.extend(nonce.as_ref());
        sealed.append(&mut text);
        Ok(Sealed(sealed))
    }

    /// Opens what was sealed for this owner.
    ///
    /// # Errors
    /// `secret_unreadable` when it was sealed with another key, for another owner, or was changed.
    pub fn unseal(&self, owner: &str, sealed: &Sealed) -> Result<Secret> {
        let unreadable = |why: &str| Fault::new(Code::SecretUnreadable).value(why);
        let (head, body) = sealed.0.split_at_checked(HEAD_BYTES).ok_or_else(|| unreadable("it is cut"))?;
        if head[0] != FORMAT {
            return Err(unreadable("it is of a later version").into());
        }
        if head[1..=KEY_MARK_BYTES] != self.mark {
            return Err(unreadable("it was sealed with another key").into());
        }
        let nonce = Nonce::try_assume_unique_for_key(&head[1 + KEY_MARK_BYTES..])
            .map_err(|_| unreadable("it is cut"))?;
        let mut body = body.to_vec();
        let text = self.key.open_in_place(nonce, Aad::from(owner), &mut body);
        let text = text.map_err(|_| unreadable("it was changed, or belongs to another integration"))?;
        let text = String::from_utf8(text.to_vec()).map_err(|_| unreadable("it is no text"))?;
        Ok(Secret(text))
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

fn keyed(key: &[u8], text: &[u8]) -> [u8; KEY_BYTES] {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    let tag = aws_lc_rs::hmac::sign(&key, text);
    std::array::from_fn(|at| tag.as_ref()[at])
}

/// Only its owner may read it, and it is on disk before anything is sealed with it. Several processes may begin at once.
fn make_key(file: &Path) -> anyhow::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| anyhow::anyhow!("no random numbers: {error}"))?;
    let mut draft =
        tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o600)).tempfile_in(folder)?;
    draft.write_all(&key)?;
    draft.as_file().sync_all()?;
    match draft.persist_noclobber(file) {
        Ok(_) => {}
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error.error.into()),
    }
    // The name of the file must be on disk too.
    Ok(std::fs::File::open(folder)?.sync_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(result: Result<Secret>) -> Option<Code> {
        result.err().and_then(|error| error.as_fault().map(|fault| fault.code))
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_alone() {
        let vault = Vault::with_key(&[7; 32]).unwrap();
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG");
        let sealed = vault.seal("65f0c1d2e3a4b5c6d7e8f901", &secret).unwrap();
        assert_eq!(vault.unseal("65f0c1d2e3a4b5c6d7e8f901", &sealed).unwrap(), secret);
        assert_eq!(code(vault.unseal("65f0c1d2e3a4b5c6d7e8f902", &sealed)), Some(Code::SecretUnreadable));
        let other = Vault::with_key(&[8; 32]).unwrap();
        assert_eq!(code(other.unseal("65f0c1d2e3a4b5c6d7e8f901", &sealed)), Some(Code::SecretUnreadable));
        let again = vault.seal("65f0c1d2e3a4b5c6d7e8f901", &secret).unwrap();
        assert_ne!(again, sealed, "equal secrets do not look equal");
        let text = format!("{secret:?} {sealed:?} {vault:?}");
        assert!(!text.contains("wJal"), "{text}");
        assert!(!sealed.as_bytes().windows(4).any(|four| four == b"wJal"));
    }

    #[test]
    fn derived_keys_are_the_same_for_the_same_key_and_purpose_alone() {
        let derived = |key: u8, purpose: &str| Vault::with_key(&[key; 32]).unwrap().derived(purpose);
        assert_eq!(derived(7, "links"), derived(7, "links"));
        assert_ne!(derived(7, "links"), derived(8, "links"));
        assert_ne!(derived(7, "links"), derived(7, "others"));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let vault = Vault::with_key(&[7; 32]).unwrap();
        let sealed = vault.seal("a", &Secret::new("secret")).unwrap();
        for at in 0..sealed.0.len() {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1;
            assert_eq!(code(vault.unseal("a", &changed)), Some(Code::SecretUnreadable), "byte {at}");
            let cut = Sealed(sealed.0[..at].to_vec());
            assert_eq!(code(vault.unseal("a", &cut)), Some(Code::SecretUnreadable), "cut at {at}");
        }
    }

    #[test]
    fn a_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("keys/secret.key");
        let sealed = Vault::open(&file).unwrap().seal("a", &Secret::new("secret")).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Vault::open(&file).unwrap().unseal("a", &sealed).unwrap(), Secret::new("secret"));
        std::fs::write(&file, "short").unwrap();
        assert!(format!("{:#}", Vault::open(&file).unwrap_err()).contains("no key of 32 bytes"));
    }
}
