//! A ranked list cut into pages, and what is kept of a search so that a token gives its other pages. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Clip, GroupBy, Items, ResultPage, SearchPool, SortOption};
use crate::ids::VideoId;
use crate::time::Timestamp;

/// The whole result of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// What was searched.
    pub pool: SearchPool,
    /// Everything that was found.
    pub items: Items,
    /// Items on a page.
    pub limit: u32,
    /// Until when it is kept.
    pub expires_at: Timestamp,
    /// Whether it is of a combined query.
    #[serde(default)]
    pub is_combined: bool,
}

impl Results {
    /// Page `page`, from 0, of a search kept under `id`; none past the end. The first page is always there.
    pub fn page(&self, id: Uuid, page: u64) -> Option<ResultPage> {
        let limit = usize::try_from(self.limit.max(1)).ok()?;
        let (items, total) = match &self.items {
            Items::Clips(clips) => (Items::Clips(cut(clips, page, limit)), clips.len()),
            Items::Videos(videos) => (Items::Videos(cut(videos, page, limit)), videos.len()),
        };
        let pages = u64::try_from(total.div_ceil(limit).max(1)).ok()?;
        let token = |page: u64| (page < pages).then(|| PageToken { id, page }.to_string());
        (page < pages).then(|| ResultPage {
            pool: self.pool,
            items,
            limit_per_page: self.limit,
            total_results: total as u64,
            total_inner_matches: self.inner_matches(),
            is_combined: self.is_combined,
            expires_at: self.expires_at,
            next_page_token: token(page + 1),
            prev_page_token: page.checked_sub(1).and_then(token),
        })
    }

    /// Whether there is more than the first page.
    pub fn has_more(&self) -> bool {
        let total = match &self.items {
            Items::Clips(clips) => clips.len(),
            Items::Videos(videos) => videos.len(),
        };
        total as u64 > u64::from(self.limit)
    }

    fn inner_matches(&self) -> Option<u64> {
        match &self.items {
            Items::Clips(_) => None,
            Items::Videos(videos) => Some(videos.iter().map(|(_, clips)| clips.len() as u64).sum()),
        }
    }
}

fn cut<T: Clone>(items: &[T], page: u64, limit: usize) -> Vec<T> {
    let before = usize::try_from(page).unwrap_or(usize::MAX).saturating_mul(limit);
    items.iter().skip(before).take(limit).cloned().collect()
}

/// Ranked clips as the items that were asked for.
pub fn grouped(clips: Vec<Clip>, group_by: GroupBy, sort: SortOption) -> Items {
    if group_by == GroupBy::Clip {
        return Items::Clips(clips);
    }
    let mut by_video: BTreeMap<VideoId, Vec<Clip>> = BTreeMap::new();
    for clip in clips {
        by_video.entry(clip.video).or_default().push(clip);
    }
    let mut videos: Vec<(VideoId, Vec<Clip>)> = by_video.into_iter().collect();
    videos.sort_by_key(|(_, clips)| {
        let more = if sort == SortOption::ClipCount { usize::MAX - clips.len() } else { 0 };
        (more, clips.first().map_or(u32::MAX, |best| best.rank))
    });
    Items::Videos(videos)
}

/// Names a page of a search that is kept: `UUID-PAGE`, from page 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageToken {
    /// The search.
    pub id: Uuid,
    /// Its page.
    pub page: u64,
}

impl PageToken {
    /// None when it is no token of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, page) = text.rsplit_once('-')?;
        let token = Self { id: Uuid::try_parse(id).ok()?, page: page.parse().ok()? };
        (token.to_string() == text).then_some(token)
    }
}

impl std::fmt::Display for PageToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.id, self.page)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::{IndexId, TaskId};
    use crate::search::Confidence;
    use crate::time::{MediaTime, TimeRange};

    fn clips(videos: &[u8]) -> Vec<Clip> {
        let id = |video: u8| -> VideoId { format!("{video:024x}").parse::<TaskId>().unwrap().into() };
        let range = TimeRange::new(MediaTime::ZERO, MediaTime::from_millis(1)).unwrap();
        let clip = |(video, rank): (&u8, u32)| Clip {
            video: id(*video),
            range,
            score: 100.0 - rank as f32,
            confidence: Confidence::High,
            rank,
            matches: Vec::new(),
        };
        videos.iter().zip(1..).map(clip).collect()
    }

    fn results(items: Items, limit: u32) -> Results {
        let index: IndexId = "0".repeat(24).parse().unwrap();
        let pool = SearchPool { total_count: 1, total_duration_s: 1.0, index };
        Results { pool, items, limit, expires_at: Timestamp::from_millis(0), is_combined: false }
    }

    /// Follows the tokens to the end.
    fn walk(results: &Results) -> Vec<ResultPage> {
        let mut pages = vec![results.page(Uuid::nil(), 0).expect("there is a first page")];
        while let Some(token) = pages.last().and_then(|page| page.next_page_token.clone()) {
            let token = PageToken::parse(&token).unwrap();
            pages.push(results.page(token.id, token.page).expect("a token that is told has a page"));
        }
        pages
    }

    proptest! {
        #[test]
        fn pages_partition_the_list(videos in prop::collection::vec(0..6_u8, 0..60), limit in 1..12_u32) {
            let clips = clips(&videos);
            let pages = walk(&results(Items::Clips(clips.clone()), limit));
            let mut seen = Vec::new();
            for (place, page) in pages.iter().enumerate() {
                let Items::Clips(on_page) = &page.items else { panic!("clips") };
                prop_assert!(on_page.len() <= limit as usize && (pages.len() == 1 || !on_page.is_empty()));
                prop_assert_eq!(page.prev_page_token.is_some(), place > 0);
                prop_assert_eq!(page.total_results, clips.len() as u64);
                seen.extend(on_page.iter().cloned());
            }
            prop_assert_eq!(seen, clips);
        }

        #[test]
        fn groups_hold_every_clip_once_and_are_in_the_order_asked_for(videos in prop::collection::vec(0..6_u8, 0..60)) {
            for sort in [SortOption::Score, SortOption::ClipCount] {
                let Items::Videos(groups) = grouped(clips(&videos), GroupBy::Video, sort) else { panic!("videos") };
                let mut ranks: Vec<u32> = groups.iter().flat_map(|(_, clips)| clips).map(|clip| clip.rank).collect();
                ranks.sort_unstable();
                prop_assert!(ranks.into_iter().eq(1..=videos.len() as u32));
                let best = |group: &(VideoId, Vec<Clip>)| group.1[0].rank;
                for pair in groups.windows(2) {
                    let (more, fewer) = (pair[0].1.len(), pair[1].1.len());
                    let by_score = best(&pair[0]) < best(&pair[1]);
                    let is_in_order = match sort {
                        SortOption::Score => by_score,
                        SortOption::ClipCount => more > fewer || (more == fewer && by_score),
                    };
                    prop_assert!(is_in_order);
                }
            }
        }

        #[test]
        fn a_token_survives_its_text_and_nothing_else_is_one(page: u64, text in "\\PC{0,50}") {
            let token = PageToken { id: Uuid::from_u128(u128::from(page) << 7), page };
            prop_assert_eq!(PageToken::parse(&token.to_string()), Some(token));
            if let Some(token) = PageToken::parse(&text) {
                prop_assert_eq!(token.to_string(), text);
            }
        }
    }

    #[test]
    fn a_page_past_the_end_is_none_and_an_empty_list_has_one_page() {
        let one = results(Items::Clips(clips(&[1, 2, 3])), 2);
        assert!(one.has_more() && one.page(Uuid::nil(), 1).is_some() && one.page(Uuid::nil(), 2).is_none());
        let none = results(Items::Videos(Vec::new()), 10);
        let page = none.page(Uuid::nil(), 0).unwrap();
        assert_eq!((page.total_results, page.next_page_token, page.total_inner_matches), (0, None, Some(0)));
    }
}
