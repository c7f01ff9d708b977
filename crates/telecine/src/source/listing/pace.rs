//! How many requests are sent at once: more while that makes the listing faster, fewer when the store asks to go
//! slower. Pure: told what happens and when.

use std::time::Duration;

use tokio::time::Instant;

/// By this much twice the requests must make a listing faster.
const GAIN: f64 = 1.15;
/// Measures after which it is tried again whether more requests pay.
const PATIENCE: u32 = 32;
/// Times in a row that a store may ask to go slower.
const MOST_THROTTLES: u32 = 8;

/// The width of a listing.
#[derive(Debug)]
pub(super) struct Pace {
    width: usize,
    most: usize,
    pause: Duration,
    /// Keys per second with half of the width.
    narrower: Option<f64>,
    /// Measures until more is tried; none while it grows.
    patience: Option<u32>,
    measure: Measure,
    /// Changes when the store asks to go slower: requests of before do not tell it again.
    pub(super) era: u64,
    throttles: u32,
    /// Nothing is sent before.
    pub(super) paused_until: Option<Instant>,
}

#[derive(Debug)]
struct Measure {
    since: Instant,
    pages: usize,
    objects: usize,
}

impl Measure {
    fn begin(since: Instant) -> Self {
        Self { since, pages: 0, objects: 0 }
    }
}

impl Pace {
    pub(super) fn new(first: usize, most: usize, pause: Duration, now: Instant) -> Self {
        let most = most.max(1);
        Self {
            width: first.clamp(1, most),
            most,
            pause,
            narrower: None,
            patience: None,
            measure: Measure::begin(now),
            era: 0,
            throttles: 0,
            paused_until: None,
        }
    }

    /// Requests that may be sent at once.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// A page came, while this many pages were on their way.
    pub(super) fn page_came(&mut self, objects: usize, on_their_way: usize, now: Instant) {
        self.throttles = 0;
        if on_their_way < self.width {
            // This is not the speed of the full width.
            self.measure = Measure::begin(now);
            return;
        }
        self.measure.pages += 1;
        self.measure.objects += objects;
        if self.measure.pages >= (3 * self.width).max(4) {
            let seconds = now.duration_since(self.measure.since).as_secs_f64().max(1e-9);
            let rate = self.measure.objects as f64 / seconds;
            self.measure = Measure::begin(now);
            self.measured(rate);
        }
    }

    fn measured(&mut self, rate: f64) {
        match &mut self.patience {
            Some(0) => {
                self.patience = None;
                self.grow(rate);
            }
            Some(patience) => *patience -= 1,
            None if self.narrower.is_some_and(|narrower| rate < narrower * GAIN) => {
                self.width = (self.width / 2).max(1);
                self.settle();
            }
            None => self.grow(rate),
        }
    }

    fn grow(&mut self, rate: f64) {
        self.narrower = Some(rate);
        if self.width == self.most {
            self.settle();
        }
        self.width = (self.width * 2).min(self.most);
    }

    fn settle(&mut self) {
        self.narrower = None;
        self.patience = Some(PATIENCE);
    }

    /// The store asks to go slower, in answer to a request of this era. False when it has asked too often.
    pub(super) fn throttled(&mut self, era: u64, now: Instant) -> bool {
        if era == self.era {
            self.era += 1;
            self.throttles += 1;
            self.width = (self.width / 2).max(1);
            self.settle();
            self.measure = Measure::begin(now);
            self.paused_until = Some(now + self.pause * (1 << (self.throttles - 1).min(5)));
        }
        self.throttles <= MOST_THROTTLES
    }

    /// The pause is over.
    pub(super) fn go_on(&mut self, now: Instant) {
        self.paused_until = None;
        self.measure = Measure::begin(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists many pages from a store that takes `latency` for a page and gives no more than `pages_per_s`.
    fn settled(latency: Duration, pages_per_s: f64) -> usize {
        let mut now = Instant::now();
        let mut pace = Pace::new(1, 16, Duration::from_secs(1), now);
        for _ in 0..1000 {
            let width = pace.width();
            let rate = (width as f64 / latency.as_secs_f64()).min(pages_per_s);
            now += Duration::from_secs_f64(1.0 / rate);
            pace.page_came(1000, width, now);
        }
        pace.width()
    }

    #[test]
    fn it_widens_while_that_pays() {
        assert_eq!(settled(Duration::from_millis(100), 1e9), 16, "bound by latency");
        assert!(settled(Duration::from_millis(10), 100.0) <= 2, "bound by the store");
        assert!((4..=8).contains(&settled(Duration::from_millis(100), 40.0)), "four at once fill it");
    }

    #[test]
    fn it_narrows_once_for_each_complaint() {
        let now = Instant::now();
        let mut pace = Pace::new(16, 16, Duration::from_secs(1), now);
        for _ in 0..16 {
            assert!(pace.throttled(0, now), "all were sent before the store complained");
        }
        assert_eq!(pace.width(), 8);
        assert!(pace.paused_until.is_some_and(|until| until > now));
        let complaints = (1..100).take_while(|era| pace.throttled(*era, now)).count();
        assert_eq!((complaints, pace.width()), (7, 1), "it is not waited for without an end");
        pace.page_came(1000, 1, now);
        assert!(pace.throttled(pace.era, now), "a page makes up for it");
    }
}
