//! When a delivery is sent again. Pure.

use std::time::Duration;

/// Attempts before a delivery is dead: over about a day.
pub const TRIES: u32 = 8;
/// Seconds to wait after each failed attempt.
const PAUSES_S: [u64; TRIES as usize - 1] = [5, 60, 300, 1_800, 7_200, 21_600, 43_200];

/// How long to wait after so many attempts, stretched or shortened by up to a fifth (`share` is 0 to 1), so that what failed
/// together is not repeated together; none when there were enough.
pub fn pause(attempts: u32, share: f64) -> Option<Duration> {
    let at = usize::try_from(attempts.checked_sub(1)?).ok()?;
    let seconds = *PAUSES_S.get(at)?;
    Some(Duration::from_secs_f64(seconds as f64 * (0.8 + 0.4 * share.clamp(0.0, 1.0))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_vary_by_a_fifth_and_end_within_about_a_day() {
        let all: Vec<u64> =
            (1..=TRIES).filter_map(|tries| pause(tries, 0.5)).map(|it| it.as_secs()).collect();
        assert_eq!(all, PAUSES_S);
        assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
        let total: u64 = all.iter().sum();
        assert!((18 * 3600..30 * 3600).contains(&total), "{total}");
        assert_eq!(pause(2, 0.0), Some(Duration::from_secs(48)));
        assert_eq!(pause(2, 1.0), Some(Duration::from_secs(72)));
        assert_eq!(pause(TRIES, 0.5), None);
        assert_eq!(pause(0, 0.5), None);
    }
}
