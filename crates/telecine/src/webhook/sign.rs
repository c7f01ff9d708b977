//! How a receiver knows that an event comes from here: two signatures, that of the contract and that of Standard Webhooks.
//! Pure.

use aws_smithy_types::base64;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::vault::Secret;

/// What secrets begin with; base64 follows.
const PREFIX: &str = "whsec_";
const SECRET_BYTES: usize = 32;

/// Values of headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// `TL-Signature`: `t=<seconds>,v1=<hex>` over `<seconds>.<body>`, by the secret as it is written.
    pub contract: String,
    /// `webhook-signature`: `v1,<base64>` over `<id>.<seconds>.<body>`, by what the secret stands for in base64.
    pub standard: String,
}

/// Signs a body.
pub fn sign(secret: &Secret, id: &str, seconds: i64, body: &[u8]) -> Signatures {
    let text = secret.reveal();
    let contract = hex(&mac(text.as_bytes(), &[format!("{seconds}.").as_bytes(), body]));
    let key = base64::decode(text.strip_prefix(PREFIX).unwrap_or(text)).unwrap_or_else(|_| text.into());
    let standard = mac(&key, &[format!("{id}.{seconds}.").as_bytes(), body]);
    Signatures {
        contract: format!("t={seconds},v1={contract}"),
        standard: format!("v1,{}", base64::encode(standard)),
    }
}

/// A new secret.
pub(super) fn new_secret() -> Secret {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).expect("the system has random numbers");
    Secret::new(format!("{PREFIX}{}", base64::encode(bytes)))
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys may have any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second one is the example of the Standard Webhooks' specification; the first was computed by
    /// `printf '1614265330.{"test": 2432232314}' | openssl dgst -sha256 -hmac whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw`.
    #[test]
    fn both_signatures_are_those_that_others_compute() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed = sign(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b"{\"test\": 2432232314}");
        assert_eq!(signed.standard, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert_eq!(
            signed.contract,
            "t=1614265330,v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964"
        );
    }

    #[test]
    fn secrets_differ_and_say_what_they_are() {
        let (one, other) = (new_secret(), new_secret());
        assert_ne!(one, other);
        assert!(one.reveal().starts_with(PREFIX) && one.reveal().len() > 40);
    }
}
