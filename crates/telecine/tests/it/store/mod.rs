//! What every store must do: one suite, written against `dyn Store`, run on each of them. Knows no SQL.

mod claims;
mod content;
mod counts;
mod embeddings;
mod golden;
mod indexes;
mod integrations;
mod inventory;
mod keys;
pub(crate) mod lab;
mod moving;
mod names;
mod plans;
mod processes;
mod search;
mod sqlite;
mod tasks;
mod transfers;
mod videos;

/// Runs the named tests, each an `async fn(&Lab)`, on every kind of store.
macro_rules! conformance {
    ($($test:ident),* $(,)?) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&crate::store::lab::Lab::sqlite().await).await;
                }
            )*
        }

        mod on_postgres {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&crate::store::lab::Lab::postgres().await).await;
                }
            )*
        }
    };
}
use conformance;
