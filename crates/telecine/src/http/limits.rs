//! Counts requests per key and class in minutes and days (UTC), tells how many are left, and refuses those beyond. In
//! memory: at most five counts for each key, begun anew when the server starts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use crate::fault::{Code, Fault};
use crate::ids::KeyId;
use crate::keys::{RateLimits, RequestClass};
use crate::time::Timestamp;

const MINUTE_S: i64 = 60;
const DAY_S: i64 = 86_400;

/// What a request's handler found out about the limit that it is under; told in the headers of the answer.
pub(super) type QuotaSlot = Arc<OnceLock<Quota>>;

/// The narrower of a key's limits, after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Quota {
    limit: u32,
    used: u32,
    /// Seconds since 1970.
    resets_at_s: i64,
    now_s: i64,
}

/// The counts.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    counts: Mutex<HashMap<(KeyId, RequestClass), [Window; 2]>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Window {
    begun_s: i64,
    used: u32,
}

impl Limiter {
    /// Counts a request; none where there is no limit.
    ///
    /// # Errors
    /// `too_many_requests`, and then it does not count.
    pub(super) fn take(
        &self,
        key: KeyId,
        class: RequestClass,
        limits: &RateLimits,
        now: Timestamp,
    ) -> Option<(Quota, Result<(), Fault>)> {
        let (minute, day) = limits.of(class);
        if minute.is_none() && day.is_none() {
            return None;
        }
        let now_s = now.as_millis().div_euclid(1_000);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let windows = counts.entry((key, class)).or_default();
        let spans = [(MINUTE_S, minute, "minute"), (DAY_S, day, "day")];
        for (window, (span_s, ..)) in windows.iter_mut().zip(spans) {
            let begun_s = now_s - now_s.rem_euclid(span_s);
            if window.begun_s != begun_s {
                *window = Window { begun_s, used: 0 };
            }
        }
        let is_full = |window: &Window, limit: Option<u32>| limit.is_some_and(|limit| window.used >= limit);
        let over = windows.iter().zip(spans).find(|(window, (_, limit, _))| is_full(window, *limit));
        let over = over.map(|(_, (.., name))| name);
        if over.is_none() {
            windows.iter_mut().for_each(|window| window.used = window.used.saturating_add(1));
        }
        let quotas = windows.iter().zip(spans).filter_map(|(window, (span_s, limit, _))| {
            let (limit, used) = (limit?, window.used);
            Some(Quota { limit, used, resets_at_s: window.begun_s + span_s, now_s })
        });
        // Of two that are used up, the one that lasts longer.
        let quota = quotas.min_by_key(|quota| (quota.remaining(), -quota.resets_at_s))?;
        let refused = over.map(|name| {
            Fault::new(Code::TooManyRequests)
                .value(format!("{} of {} a {name}", quota.used.min(quota.limit), quota.limit))
                .rule(format!("at most {} requests of this kind a {name} and key", quota.limit))
        });
        Some((quota, refused.map_or(Ok(()), Err)))
    }
}

impl Quota {
    fn remaining(&self) -> u32 {
        self.limit.saturating_sub(self.used)
    }

    /// Tells it in an answer.
    pub(super) fn tell(&self, status: StatusCode, headers: &mut HeaderMap) {
        let numbers = [
            ("x-ratelimit-limit", i64::from(self.limit)),
            ("x-ratelimit-remaining", i64::from(self.remaining())),
            ("x-ratelimit-used", i64::from(self.used)),
            ("x-ratelimit-reset", self.resets_at_s),
        ];
        for (name, number) in numbers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            headers.insert(header::RETRY_AFTER, HeaderValue::from((self.resets_at_s - self.now_s).max(1)));
        }
    }
}

/// The class of a request, by its method and the pattern of its path.
pub(super) fn class_of(method: &Method, path: &str) -> RequestClass {
    if method != Method::POST {
        return RequestClass::Other;
    }
    let begins =
        |names: &[&str]| names.iter().any(|name| path == *name || path.starts_with(&format!("{name}/")));
    if begins(&["/search", "/search-v2"]) {
        RequestClass::Search
    } else if path == "/tasks" || path == "/tasks/external-provider" {
        RequestClass::CreateTask
    } else if begins(&["/generate", "/gist", "/summarize", "/analyze"]) {
        RequestClass::Generate
    } else if begins(&["/embed", "/embed-v2"]) {
        RequestClass::Embed
    } else {
        RequestClass::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_in_minutes_and_days_and_refused_ones_do_not_count() {
        let limiter = Limiter::default();
        let limits =
            RateLimits { search_per_minute: Some(2), search_per_day: Some(3), ..RateLimits::default() };
        let midnight = Timestamp::from_millis(1_709_251_200_000);
        let key = KeyId::generate(midnight);
        let take = |second: i64| {
            let now = Timestamp::from_millis(midnight.as_millis() + second * 1_000);
            let (quota, taken) = limiter.take(key, RequestClass::Search, &limits, now).unwrap();
            (quota.remaining(), quota.resets_at_s - midnight.as_millis() / 1_000, taken.is_ok())
        };
        assert_eq!(take(0), (1, 60, true));
        assert_eq!(take(30), (0, 60, true));
        assert_eq!(take(59), (0, 60, false));
        assert_eq!(take(60), (0, 86_400, true));
        assert_eq!(take(120), (0, 86_400, false));
        assert_eq!(take(86_400), (1, 86_460, true));
        let now = Timestamp::from_millis(midnight.as_millis());
        assert!(limiter.take(key, RequestClass::Embed, &limits, now).is_none(), "no limit, no count");
    }

    #[test]
    fn only_what_is_posted_has_a_class_of_its_own() {
        let class = |path| class_of(&Method::POST, path);
        assert_eq!(class("/search-v2"), RequestClass::Search);
        assert_eq!(class("/searches"), RequestClass::Other);
        assert_eq!(class("/tasks/transfers"), RequestClass::Other);
        assert_eq!(class_of(&Method::GET, "/search/{token}"), RequestClass::Other);
        assert_eq!((class("/embed/tasks"), class("/gist")), (RequestClass::Embed, RequestClass::Generate));
    }
}
