//! Whether the database answers, as far as this process knows at this moment: who would have to wait for it asks here first.
//! Finds nothing out by itself; a database of this process's own is always there.

use std::future::pending;
use std::time::Duration;

use tokio::sync::watch;

/// What is known of the database.
#[derive(Debug, Clone, Default)]
pub struct Presence(Option<watch::Receiver<bool>>);

impl Presence {
    /// As it is told by whoever watches over the database.
    pub fn told(is_there: watch::Receiver<bool>) -> Self {
        Self(Some(is_there))
    }

    /// Whether it answers.
    pub fn is_there(&self) -> bool {
        self.0.as_ref().is_none_or(|is_there| *is_there.borrow())
    }

    /// Returns when it has been away for so long without a break; never of a database that nobody watches over.
    pub async fn gone_for(mut self, time: Duration) {
        let Some(is_there) = &mut self.0 else { return pending().await };
        loop {
            if is_there.wait_for(|is_there| !is_there).await.is_err() {
                return pending().await;
            }
            let is_back = tokio::time::timeout(time, is_there.wait_for(|is_there| *is_there)).await;
            if is_back.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(2);

    #[tokio::test(start_paused = true)]
    async fn only_an_absence_without_a_break_is_told() {
        let (tell, told) = watch::channel(true);
        let presence = Presence::told(told);
        let mut gone = std::pin::pin!(presence.clone().gone_for(SOON));
        for _ in 0..3 {
            tell.send_replace(false);
            assert!(tokio::time::timeout(SOON / 2, &mut gone).await.is_err());
            assert!(!presence.is_there());
            tell.send_replace(true);
            assert!(tokio::time::timeout(SOON * 2, &mut gone).await.is_err());
            assert!(presence.is_there());
        }
        tell.send_replace(false);
        let began = tokio::time::Instant::now();
        gone.await;
        assert_eq!(began.elapsed(), SOON);
    }

    #[tokio::test(start_paused = true)]
    async fn a_database_of_ones_own_is_never_gone() {
        let presence = Presence::default();
        assert!(presence.is_there());
        assert!(tokio::time::timeout(SOON * 1000, presence.gone_for(SOON)).await.is_err());
    }
}
