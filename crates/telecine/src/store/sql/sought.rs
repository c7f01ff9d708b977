//! Tasks by what no counter knows: the name or a part of it or of the address, measures, the moment of the last change. What few tasks can
//! be is gathered by an index; what many can be is met soon, in the order of the list, and counted up to a limit.
//!
//! Of names, `task_name` knows every three letters that follow each other (FTS5's trigrams, pg_trgm).

use super::filters::{Sql, equals, within, within_moments, within_whole};
use super::kinds::push_limit;
use super::lists::List;
use super::rows::{TaskRow, to_json};
use super::{Connection, SqlStore, by_indexes, in_order, push_each, push_named};
use crate::fault::Result;
use crate::ids::WorkspaceId;
use crate::store::{Listed, Paging, TaskFilter, Within};
use crate::transfer::Task;

/// Tasks that are looked at one by one.
const FEW: usize = 10_000;
/// Of more, so many are counted: they are met within 100,000 where more than `FEW` of a million are so.
const COUNTED: u64 = 1_000;

/// A page of the list of tasks that are so; none when the filter asks for nothing of the kind.
pub(super) async fn page(
    store: &SqlStore,
    list: &List<'_>,
    workspace: WorkspaceId,
    filter: &TaskFilter,
    column: &'static str,
    paging: Paging,
) -> Result<Option<Listed<Task>>> {
    let sought = Sought { workspace, filter };
    let questions = sought.questions();
    if filter.name.is_none() && questions.is_empty() {
        return Ok(None);
    }
    let mut snapshot = store.snapshot().await?;
    // The index over letters is read in another way than others.
    let mut few = sought.named(&mut snapshot).await?;
    by_indexes(&mut snapshot).await?;
    for question in questions {
        if few.is_none() {
            few = up_to_few(question, &mut snapshot).await?;
        }
    }
    let listed = match few {
        Some(numbers) => {
            let mut sql = Sql::new("SELECT t.seq FROM ");
            push_each(&mut sql, to_json(&numbers)?, "n");
            sql.push(concat!(in_turn!(), "task t ON t.seq = CAST(n.value AS BIGINT)"));
            list.push_sorted(&mut sql, column, paging.descending);
            list.page_among(sql, column, &mut snapshot, paging, TaskRow::into_task).await?
        }
        None => {
            let most = paging.page.saturating_mul(paging.limit).saturating_add(1);
            let most = most.clamp(COUNTED, i64::MAX.unsigned_abs());
            in_order(&mut snapshot).await?;
            list.page_up_to(Some(most), column, &mut snapshot, paging, TaskRow::into_task).await?
        }
    };
    snapshot.commit().await?;
    Ok(Some(listed))
}

struct Sought<'a> {
    workspace: WorkspaceId,
    filter: &'a TaskFilter,
}

impl Sought<'_> {
    /// Tasks that may hold the text, if they are few; texts of less than three letters are in no index.
    async fn named(&self, on: &mut Connection) -> Result<Option<Vec<i64>>> {
        let parts = self.filter.name.as_deref().map(parts_of).unwrap_or_default();
        if parts.is_empty() {
            return Ok(None);
        }
        let mut sql = Sql::new(String::new());
        push_named(&mut sql, &parts);
        up_to_few(sql, on).await
    }

    /// Questions for the tasks of the name and of each range that the filter has.
    fn questions(&self) -> Vec<Sql> {
        let TaskFilter { filename, duration_s, width, height, updated_at, .. } = self.filter;
        let mut questions = Vec::new();
        if filename.is_some() {
            let mut sql = self.of_workspace();
            equals(&mut sql, "t.filename", filename.clone());
            questions.push(sql);
        }
        if *duration_s != Within::default() {
            let mut sql = self.of_workspace();
            within(&mut sql, "t.duration_s", *duration_s);
            questions.push(sql);
        }
        for (column, range) in [("t.width", width), ("t.height", height)] {
            if *range != Within::default() {
                let mut sql = self.of_workspace();
                within_whole(&mut sql, column, *range);
                questions.push(sql);
            }
        }
        if *updated_at != Within::default() {
            let mut sql = self.of_workspace();
            within_moments(&mut sql, "t.updated_at", *updated_at);
            questions.push(sql);
        }
        questions
    }

    fn of_workspace(&self) -> Sql {
        let mut sql = Sql::new("SELECT t.seq FROM task t WHERE t.workspace_id = ");
        sql.push_bind(self.workspace.to_string());
        sql
    }
}

/// The numbers that a question is answered with, when they are few.
async fn up_to_few(mut question: Sql, on: &mut Connection) -> Result<Option<Vec<i64>>> {
    push_limit(&mut question, FEW as u64 + 1, 0)?;
    let numbers: Vec<i64> = question.build_query_scalar().persistent(false).fetch_all(on).await?;
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
