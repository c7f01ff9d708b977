//! A visit to each class of the zoo. `TELECINE_ZOO_TIMES=1` tells how long each animal took; `TELECINE_ZOO_SEED` plays
//! flipped bits again.

use std::sync::Arc;

use super::expected;
use super::judge::{look, visit};
use super::making::{FLIPPED, flipped};
use super::verdict::Verdict;
use super::{Zoo, tools_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_codec_is_seen_and_heard_at_the_right_time() {
    visit("codecs", expected::codecs()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_container_is_seen_and_heard_at_the_right_time() {
    visit("containers", expected::containers()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_clocks_do_not_mislead() {
    visit("timing", expected::timing()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_tracks_the_right_ones_are_taken() {
    visit("tracks", expected::tracks()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_of_every_shape_are_shown_as_players_show_them() {
    visit("shapes", expected::shapes()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lies_cost_no_more_than_the_limits() {
    visit("lies", expected::lies()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_told_and_what_is_left_is_shown() {
    visit("damaged", expected::damaged()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_something_else_is_refused_and_leads_nowhere() {
    visit("polyglots", expected::polyglots()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flipped_bits_lead_to_a_verdict() {
    let seed = std::env::var("TELECINE_ZOO_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| {
        let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970");
        u64::try_from(now.as_millis()).unwrap()
    });
    println!("TELECINE_ZOO_SEED={seed}");
    let zoo = Arc::new(Zoo::new());
    zoo.stock();
    let tools = tools_with(super::judge::limits()).await;
    for (kind, options) in FLIPPED {
        let whole = zoo.make(&format!("whole.{kind}"), &format!("-i base.mp4 {options}"));
        let whole = std::fs::read(whole).unwrap();
        for (round, distance) in [400, 2_000, 10_000, 50_000].into_iter().enumerate() {
            let seed = seed.wrapping_add(round as u64);
            let file = zoo.write(&format!("flipped-{seed}.{kind}"), &flipped(&whole, seed, distance));
            if let Err(why) = look(&tools, &file, &Verdict::Bounded).await {
                panic!(
                    "TELECINE_ZOO_SEED={} {kind}, one bit of {distance} bytes: {why}",
                    seed - round as u64
                );
            }
        }
    }
}
