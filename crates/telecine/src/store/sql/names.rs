//! Tasks by a part of their address or name. `task_name` knows every three letters of them that follow each other (FTS5's
//! trigrams, pg_trgm). What few tasks hold is gathered from there; what many hold is met soon, in the order of the list, and
//! counted up to a limit.

use super::filters::Sql;
use super::kinds::push_limit;
use super::lists::List;
use super::rows::{TaskRow, to_json};
use super::{Connection, SqlStore, by_indexes, push_each, push_named};
use crate::fault::Result;
use crate::store::{Listed, Paging};
use crate::transfer::Task;

/// Tasks that are looked at one by one.
const FEW: usize = 10_000;
/// Of more, so many are counted: that many are met within some ten thousand where more than `FEW` of a million hold a text.
const COUNTED: u64 = 1_000;

/// A page of the list, of which `text` is one of the conditions; see [`super::filters::is_called`].
pub(super) async fn page(
    store: &SqlStore,
    list: &List<'_>,
    text: &str,
    column: &'static str,
    paging: Paging,
) -> Result<Listed<Task>> {
    let mut snapshot = store.snapshot().await?;
    let listed = match few(&mut snapshot, text).await? {
        Some(numbers) => {
            let mut sql = Sql::new("SELECT t.seq FROM ");
            push_each(&mut sql, to_json(&numbers)?, "n");
            sql.push(concat!(in_turn!(), "task t ON t.seq = CAST(n.value AS BIGINT)"));
            list.push_sorted(&mut sql, column, paging.descending);
            list.page_among(sql, column, &mut snapshot, paging, TaskRow::into_task).await?
        }
        None => {
            by_indexes(&mut snapshot).await?;
            let most = paging.page.saturating_mul(paging.limit).saturating_add(1).max(COUNTED);
            list.page_up_to(Some(most), column, &mut snapshot, paging, TaskRow::into_task).await?
        }
    };
    snapshot.commit().await?;
    Ok(listed)
}

/// The numbers of all tasks that may hold the text, when they are few; none as well for texts of less than three letters.
async fn few(on: &mut Connection, text: &str) -> Result<Option<Vec<i64>>> {
    let parts = parts_of(text);
    if parts.is_empty() {
        return Ok(None);
    }
    let mut sql = Sql::new(String::new());
    push_named(&mut sql, &parts);
    push_limit(&mut sql, FEW as u64 + 1, 0)?;
    let numbers: Vec<i64> = sql.build_query_scalar().persistent(false).fetch_all(on).await?;
    Ok(Some(numbers).filter(|numbers| numbers.len() <= FEW))
}

/// What a text must hold as it is, in threes and more: between signs that stand for any letters.
fn parts_of(text: &str) -> Vec<&str> {
    // SQLite reads a text up to its first NUL.
    let parts = text.split(['*', '?', '\0']);
    parts.filter(|part| part.chars().nth(2).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::parts_of;

    #[test]
    fn texts_are_found_by_what_lies_between_signs() {
        assert_eq!(parts_of("pier"), ["pier"]);
        assert_eq!(parts_of("*day-?/take*.mov"), ["day-", "/take", ".mov"]);
        assert_eq!(parts_of("ä\u{301}b\0end"), ["ä\u{301}b", "end"]);
        assert!(parts_of("a?b*cd").is_empty());
    }
}
