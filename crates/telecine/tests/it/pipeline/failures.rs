//! Engines and workers that fail: one task pays for it, the others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use telecine::fault::Code;
use telecine::index::ModelOption::{Conversation, Visual};
use telecine::pipeline::Engines;
use telecine::transfer::Status;
use telecine_engines::see::{Seer, TextTokens};
use telecine_engines::{EngineError, Image};

use super::house::{House, load_engines, quick};
use super::media;

/// Panics for the first so many pictures, then sees.
struct Blinking {
    seer: Arc<dyn Seer>,
    left: AtomicU32,
}

impl Seer for Blinking {
    fn model_id(&self) -> &str {
        self.seer.model_id()
    }

    fn dim(&self) -> usize {
        self.seer.dim()
    }

    fn embed_images(&self, images: &[Image<'_>]) -> Result<Vec<Vec<f32>>, EngineError> {
        let blink = |left: u32| left.checked_sub(1);
        let blinks = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, blink).is_ok();
        assert!(!blinks, "the engine blinks");
        self.seer.embed_images(images)
    }

    fn text_tokens(&self, text: &str) -> Result<TextTokens, EngineError> {
        self.seer.text_tokens(text)
    }

    fn embed_text(&self, text: &str) -> Result<Vec<f32>, EngineError> {
        self.seer.embed_text(text)
    }
}

async fn blinking(times: u32) -> House {
    let engines = load_engines().await;
    let seer = Blinking { seer: Arc::clone(&engines.see), left: AtomicU32::new(times) };
    let mut config = quick();
    config.pipeline.max_attempts = 3;
    let mut house = House::furnished(config, None, Engines { see: Arc::new(seer), ..engines }).await;
    house.start();
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_panics_once_is_tried_again() {
    let house = blinking(1).await;
    media::silent(&house.path("one.mp4"), "640x360", 5);
    let index = house.index("index", &[Visual]).await;
    let task = house.submit(index, "one.mp4").await;
    house.ready(task).await;
    let size = std::fs::metadata(house.path("one.mp4")).unwrap().len();
    assert_eq!(house.bucket.bytes_of("one.mp4"), size, "the file was there already");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_always_panics_fails_its_task_and_no_other() {
    let house = blinking(u32::MAX).await;
    media::silent(&house.path("one.mp4"), "640x360", 5);
    media::speech(&house.path("speech.mp4"));
    let seen = house.index("seen", &[Visual]).await;
    let heard = house.index("heard", &[Conversation]).await;
    let bad = house.submit(seen, "one.mp4").await;
    let good = house.submit(heard, "speech.mp4").await;
    let task = house.done(bad).await;
    assert_eq!((task.status, task.attempts), (Status::Failed, 3));
    let fault = task.fault.expect("why");
    assert_eq!(fault.code, Code::EngineFailed);
    assert!(!fault.sentence().contains("blinks"), "what only the log should tell: {fault}");
    house.ready(good).await;
}
