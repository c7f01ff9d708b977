//! The secret of a key: made of 256 random bits, told once, kept as SHA-256.

use sha2::{Digest, Sha256};

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Characters of a secret that lists show: `tlk_` and 30 of its 256 bits.
const SHOWN: usize = 10;

/// A new secret of a key.
///
/// # Panics
/// When the system has no random numbers.
pub(super) fn generate() -> String {
    random("tlk_")
}

/// 256 random bits behind a word that says what they open.
///
/// # Panics
/// When the system has no random numbers.
pub(super) fn random(begins: &str) -> String {
    let mut bits = [0; 32];
    getrandom::fill(&mut bits).expect("the system has random numbers");
    format!("{begins}{}", base32(&bits))
}

/// What lists show of a secret.
pub(super) fn prefix(secret: &str) -> String {
    secret.chars().take(SHOWN).collect()
}

/// What is kept of a secret.
pub fn sha256(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

/// RFC 4648 without padding.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = buffer << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(buffer >> bits & 31) as usize]));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(buffer << (5 - bits) & 31) as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_rfc_4648() {
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI");
        assert_eq!(base32(b"fooba"), "MZXW6YTB");
        assert_eq!(base32(b"f"), "MY");
    }

    #[test]
    fn secrets_differ_and_carry_256_bits() {
        let (one, other) = (generate(), generate());
        assert_ne!(one, other);
        assert_eq!(one.len(), "tlk_".len() + 256_usize.div_ceil(5));
        assert_eq!(prefix(&one).len(), SHOWN);
    }
}
