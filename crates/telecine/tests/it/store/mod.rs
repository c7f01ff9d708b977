//! What every store must do: one suite, written against `dyn Store`, run on each of them. Knows no SQL.

mod content;
mod lab;
mod transfers;

/// Runs the named tests, each an `async fn(&Lab)`, on every kind of store.
macro_rules! conformance {
    ($($test:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test]
                async fn $test() {
                    super::$test(&crate::store::lab::Lab::sqlite().await).await;
                }
            )*
        }
    };
}
use conformance;
