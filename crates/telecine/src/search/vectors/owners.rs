//! Whose the rows of an index are, so that a filter that lets many videos pass need not ask the store for each of their rows.
//! Learnt when the first such filter comes, and then as rows come.

use std::collections::HashMap;

use crate::ids::VideoId;

/// The rows of one index, in their order, with the videos that they belong to. Some may be gone from the store.
#[derive(Debug, Default)]
pub(super) struct Owners {
    rows: Vec<i64>,
    /// The place of each row's video.
    of_rows: Vec<u32>,
    places: HashMap<VideoId, u32>,
    last_row: i64,
}

impl Owners {
    /// All rows up to this one were looked at.
    pub(super) fn last_row(&self) -> i64 {
        self.last_row
    }

    /// Takes the rows of videos that come next, up to `last_row`.
    pub(super) fn learn(&mut self, of_videos: Vec<(VideoId, Vec<i64>)>, last_row: i64) {
        let mut learnt = Vec::new();
        for (video, rows) in of_videos {
            let next = u32::try_from(self.places.len()).expect("there are fewer videos than rows");
            let place = *self.places.entry(video).or_insert(next);
            learnt.extend(rows.into_iter().map(|row| (row, place)));
        }
        learnt.sort_unstable();
        self.rows.extend(learnt.iter().map(|(row, _)| row));
        self.of_rows.extend(learnt.iter().map(|(_, place)| place));
        self.last_row = last_row;
    }

    /// The rows of these videos, in their order.
    pub(super) fn rows_of(&self, videos: &[VideoId]) -> Vec<i64> {
        let mut passes = vec![false; self.places.len()];
        for place in videos.iter().filter_map(|video| self.places.get(video)) {
            passes[*place as usize] = true;
        }
        let owned = self.rows.iter().zip(&self.of_rows);
        owned.filter(|(_, place)| passes[**place as usize]).map(|(row, _)| *row).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        let rows = self.rows.capacity() * size_of::<i64>() + self.of_rows.capacity() * size_of::<u32>();
        rows + self.places.capacity() * size_of::<(VideoId, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn rows_are_told_in_their_order_by_their_videos() {
        let [one, two, three] = [(); 3].map(|()| VideoId::generate(Timestamp::from_millis(0)));
        let mut owners = Owners::default();
        owners.learn(vec![(two, vec![2, 5]), (one, vec![1, 4])], 6);
        owners.learn(vec![(three, vec![8]), (one, vec![7, 9])], 9);
        assert_eq!(owners.rows_of(&[one]), [1, 4, 7, 9]);
        assert_eq!(owners.rows_of(&[three, two]), [2, 5, 8]);
        assert!(owners.rows_of(&[VideoId::generate(Timestamp::from_millis(1))]).is_empty());
        assert_eq!(owners.last_row(), 9);
    }
}
