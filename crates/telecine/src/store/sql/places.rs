//! Where a page lies in a long list, told by how many of its rows are in each part: parts follow each other by the rows'
//! numbers, and mostly by when the rows were made. Pure, but for the pieces of SQL that say it.

use super::filters::Sql;
use super::kinds::push_limit;
use crate::fault::Result;
use crate::store::Paging;

/// Rows of a list whose numbers follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// The first number that may be in it.
    pub(super) first: i64,
    /// Rows of the list in it.
    pub(super) number: u64,
    /// No row of it was made earlier.
    pub(super) first_at: i64,
    /// No row of it was made later.
    pub(super) last_at: i64,
}

/// The rows of a page, as they are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// From the last row backwards.
    is_backwards: bool,
    /// Where to begin: no row before it counts.
    start: Option<(i64, i64)>,
    /// Rows to pass over from there.
    pub(super) skip: u64,
    /// Rows of the page.
    pub(super) number: u64,
}

/// Where the page lies; none when it lies past the end.
pub(super) fn stretch(parts: &[Part], paging: Paging, column: &str) -> Option<Stretch> {
    let total: u64 = parts.iter().map(|part| part.number).sum();
    let before = paging.page.saturating_sub(1).saturating_mul(paging.limit);
    let number = paging.limit.min(total.checked_sub(before)?);
    if number == 0 {
        return None;
    }
    let after = total - before - number;
    let (from_start, from_end) = if paging.descending { (after, before) } else { (before, after) };
    let (start, skip) = match column {
        "updated_at" => (None, from_start),
        "seq" => seek(parts, from_start, |_, _| true),
        _ => seek(parts, from_start, |last_before, first_after| last_before <= first_after),
    };
    if from_end <= skip {
        return Some(Stretch { is_backwards: true, start: None, skip: from_end, number });
    }
    Some(Stretch { is_backwards: false, start, skip, number })
}

/// The last place between two parts that lies before the row in this place, and how many rows lie between. Only where all
/// before were made before all after.
fn seek(parts: &[Part], row: u64, is_cut: impl Fn(i64, i64) -> bool) -> (Option<(i64, i64)>, u64) {
    let mut first_after = vec![i64::MAX; parts.len()];
    let mut first_at = i64::MAX;
    for (place, part) in parts.iter().enumerate().rev() {
        first_at = first_at.min(part.first_at);
        first_after[place] = first_at;
    }
    let (mut found, mut before, mut last_at) = ((None, row), 0, i64::MIN);
    for (place, part) in parts.iter().enumerate() {
        if before > row {
            break;
        }
        if place > 0 && is_cut(last_at, first_after[place]) {
            found = (Some((first_after[place], part.first)), row - before);
        }
        before += part.number;
        last_at = last_at.max(part.last_at);
    }
    found
}

impl Stretch {
    /// Adds the condition that a row `t` comes after the start.
    pub(super) fn push_start(&self, sql: &mut Sql, column: &str) {
        let Some((at, first)) = self.start else { return };
        if column == "seq" {
            sql.push(" AND t.seq >= ").push_bind(first);
        } else {
            sql.push(" AND (t.created_at, t.seq) >= (").push_bind(at).push(", ").push_bind(first).push(")");
        }
    }

    /// Adds order, limit and offset.
    pub(super) fn push_order(&self, sql: &mut Sql, column: &str) -> Result<()> {
        let direction = if self.is_backwards { "DESC" } else { "ASC" };
        sql.push(format_args!(" ORDER BY t.{column} {direction}, t.seq {direction}"));
        push_limit(sql, self.number, self.skip)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::SortBy;

    /// Parts of these rows: numbers and moments.
    fn parts_of(rows: &[(i64, i64)]) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for (seq, at) in rows {
            let first = seq / 4 * 4;
            match parts.last_mut().filter(|part| part.first == first) {
                Some(part) => {
                    (part.number, part.first_at, part.last_at) =
                        (part.number + 1, part.first_at.min(*at), part.last_at.max(*at));
                }
                None => parts.push(Part { first, number: 1, first_at: *at, last_at: *at }),
            }
        }
        parts
    }

    /// What SQL would read.
    fn read(rows: &[(i64, i64)], stretch: &Stretch, column: &str) -> Vec<(i64, i64)> {
        let mut rows: Vec<(i64, i64)> = rows.to_vec();
        if column == "created_at" {
            rows.sort_by_key(|(seq, at)| (*at, *seq));
        }
        if let Some((at, first)) = stretch.start {
            rows.retain(
                |(seq, made)| if column == "seq" { *seq >= first } else { (*made, *seq) >= (at, first) },
            );
        }
        if stretch.is_backwards {
            rows.reverse();
        }
        let (skip, number) = (stretch.skip as usize, stretch.number as usize);
        let mut read: Vec<_> = rows.into_iter().skip(skip).take(number).collect();
        if stretch.is_backwards {
            read.reverse();
        }
        read
    }

    proptest! {
        #[test]
        fn a_page_has_the_rows_that_walking_would_find(
            steps in prop::collection::vec((1_i64..4, -3_i64..6), 0..40),
            page in 1_u64..12, limit in 1_u64..7, descending: bool, by_seq: bool,
        ) {
            let mut rows = Vec::new();
            let (mut seq, mut at) = (0, 100);
            for (step, later) in steps {
                (seq, at) = (seq + step, at + later);
                rows.push((seq, at));
            }
            let column = if by_seq { "seq" } else { "created_at" };
            let paging = Paging { page, limit, sort_by: SortBy::CreatedAt, descending };
            let mut sorted = rows.clone();
            if !by_seq {
                sorted.sort_by_key(|(seq, at)| (*at, *seq));
            }
            if descending {
                sorted.reverse();
            }
            let mut wanted: Vec<_> =
                sorted.into_iter().skip(((page - 1) * limit) as usize).take(limit as usize).collect();
            if descending {
                wanted.reverse();
            }
            let found = stretch(&parts_of(&rows), paging, column);
            prop_assert_eq!(found.map(|found| read(&rows, &found, column)).unwrap_or_default(), wanted);
        }
    }

    #[test]
    fn a_page_in_the_middle_is_not_walked_to() {
        let rows: Vec<(i64, i64)> = (0..1_000).map(|seq| (seq, 100 + seq / 10)).collect();
        let paging = Paging { page: 51, limit: 10, sort_by: SortBy::CreatedAt, descending: false };
        let found = stretch(&parts_of(&rows), paging, "created_at").unwrap();
        assert_eq!((found.skip, found.start), (0, Some((150, 500))));
    }
}
