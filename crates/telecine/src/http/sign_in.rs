//! Failed attempts to sign in: each takes a while, and few are waited for at once. What is right is let in at any time, so
//! that nobody locks others out.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::fault::{Code, Error, Fault};

/// How long a failed attempt takes.
const TAKES: Duration = Duration::from_millis(500);
/// How many of them are waited for at once: 32 a second, of secrets of 256 bits.
const AT_ONCE: usize = 16;

/// The attempts of this process.
#[derive(Debug)]
pub(super) struct SignIns {
    failing: Semaphore,
}

impl Default for SignIns {
    fn default() -> Self {
        Self { failing: Semaphore::new(AT_ONCE) }
    }
}

impl SignIns {
    /// What is told of a failed attempt, after a while: why it failed, or that there are too many of them. What is not
    /// the client's fault is told at once.
    pub(super) async fn failed(&self, error: Error) -> Error {
        if error.as_fault().is_none() {
            return error;
        }
        let Ok(_waiting) = self.failing.try_acquire() else {
            tracing::warn!("too many attempts to sign in fail at once; some are refused");
            return Fault::because(
                Code::TooManyRequests,
                "Too many attempts to sign in fail at this moment.",
            )
            .into();
        };
        tokio::time::sleep(TAKES).await;
        error
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn failures_take_a_while_and_are_bounded() {
        let attempts = Arc::new(SignIns::default());
        let begun = std::time::Instant::now();
        let fault = || Error::from(Fault::new(Code::ApiKeyInvalid));
        let told = join_all((0..AT_ONCE + 3).map(|_| attempts.failed(fault()))).await;
        let code = |error: &Error| error.as_fault().map(|fault| fault.code);
        assert_eq!(told.iter().filter(|error| code(error) == Some(Code::ApiKeyInvalid)).count(), AT_ONCE);
        assert_eq!(told.iter().filter(|error| code(error) == Some(Code::TooManyRequests)).count(), 3);
        assert!(begun.elapsed() >= TAKES, "{:?}", begun.elapsed());
        assert_eq!(code(&attempts.failed(fault()).await), Some(Code::ApiKeyInvalid), "room again");
    }
}
