//! Tasks are found by any part of their names, and by nothing else: the index over letters hides none, few among many are
//! counted exactly, and what very many hold is told as such.

use std::collections::BTreeSet;

use telecine::ids::{IndexId, TaskId};
use telecine::store::{Paging, TaskFilter};
use telecine::transfer::{NewTask, TaskSource};

use super::lab::{FIRST_PAGE, Lab};
use crate::faults::seed::random_of;
use crate::search::synthetic::Random;

super::conformance!(
    every_part_of_a_name_is_found,
    what_many_names_hold_is_counted_up_to_a_limit,
    a_part_of_a_name_is_one_of_many_filters,
);

fn named(name: &str) -> TaskFilter {
    TaskFilter { name: Some(name.to_owned()), ..TaskFilter::default() }
}

/// Letters that databases and indexes have views on.
const LETTERS: [&str; 16] =
    ["a", "A", "b", "B", "é", "É", "ß", "İ", "0", ".", "-", "_", "/", "%", "\"", "\\"];

fn text(random: &mut Random, letters: &[&str], most: u64) -> String {
    let length = 1 + random.next() % most;
    (0..length).map(|_| letters[(random.next() % letters.len() as u64) as usize]).collect()
}

/// What a text of the filter stands for, told letter by letter.
fn is_like(text: &[char], name: &[char]) -> bool {
    match text.split_first() {
        None => name.is_empty(),
        Some(('*', rest)) => (0..=name.len()).any(|from| is_like(rest, &name[from..])),
        Some((wanted, rest)) => name.split_first().is_some_and(|(letter, others)| {
            (*wanted == '?' || wanted.eq_ignore_ascii_case(letter)) && is_like(rest, others)
        }),
    }
}

fn holds(text: &str, address: &str, filename: &str) -> bool {
    let letters = |text: &str| text.chars().collect::<Vec<_>>();
    if text.contains(['*', '?']) {
        return [address, filename].iter().any(|name| is_like(&letters(text), &letters(name)));
    }
    is_like(&letters(&format!("*{text}*")), &letters(address))
}

async fn every_part_of_a_name_is_found(lab: &Lab) {
    let mut random = random_of("TELECINE_NAME_SEED");
    let seed = random.0;
    let index = lab.index("films").await;
    let mut tasks: Vec<NewTask> = (0..250)
        .map(|number| match number % 5 {
            0 => NewTask {
                source: TaskSource::Upload { filename: text(&mut random, &LETTERS, 12) },
                ..lab.new_task(index, "")
            },
            _ => lab.new_task(index, &text(&mut random, &LETTERS, 12)),
        })
        .collect();
    // Its name is written otherwise in its address.
    let url = "https://example.org/v/aaa%20bbb.mp4?token=1".to_owned();
    tasks.push(NewTask { source: TaskSource::Url { url }, ..lab.new_task(index, "") });
    for task in &tasks {
        lab.store.insert_task(lab.workspace, task, lab.now()).await.unwrap();
    }
    let with_signs: Vec<&str> = LETTERS.into_iter().chain(["*", "*", "?"]).collect();
    let fixed = ["aaa bbb.mp4", "*a?bbb.mp4", "v/aaa%20bbb", "aaa\0bbb", "a\"b", "\"\"\"", "AND", "a* OR b*"];
    let mut texts: Vec<String> = fixed.map(str::to_owned).to_vec();
    texts.extend((0..250).map(|_| text(&mut random, &with_signs, 5)));
    // A part of a name that is there.
    texts.extend(tasks.iter().map(|task| {
        let letters: Vec<char> = task.source.filename().chars().collect();
        let from = random.next() as usize % letters.len().max(1);
        letters.iter().skip(from).take(6).collect()
    }));
    let every = Paging { limit: 1_000, ..FIRST_PAGE };
    let mut found_any = 0;
    for text in texts.iter().filter(|text| !text.contains('\0')) {
        let address = |task: &NewTask| match &task.source {
            TaskSource::Object(object) => object.key.clone(),
            TaskSource::Upload { filename } => filename.clone(),
            TaskSource::Url { url } => url.clone(),
        };
        let is_wanted = |task: &&NewTask| holds(text, &address(task), task.source.filename());
        let wanted: BTreeSet<TaskId> = tasks.iter().filter(is_wanted).map(|task| task.id).collect();
        let listed = lab.store.tasks(lab.workspace, &named(text), every).await.unwrap();
        let found: BTreeSet<TaskId> = listed.rows.iter().map(|task| task.id).collect();
        assert_eq!(found, wanted, "seed {seed}: {text:?}");
        assert_eq!((listed.total, listed.is_at_least), (wanted.len() as u64, false), "seed {seed}: {text:?}");
        found_any += usize::from(!wanted.is_empty());
    }
    assert!(found_any > 200, "seed {seed}: {found_any}");
    for text in texts.iter().filter(|text| text.contains('\0')) {
        lab.store.tasks(lab.workspace, &named(text), every).await.expect("an answer");
        let filter = TaskFilter { filename: Some(text.clone()), ..TaskFilter::default() };
        assert_eq!(lab.store.tasks(lab.workspace, &filter, every).await.expect("an answer").total, 0);
    }
}

async fn many(lab: &Lab, index: IndexId, number: usize) -> Vec<TaskId> {
    let transfer = lab.receiving().await;
    let mut made = Vec::new();
    for first in (0..number).step_by(2_000) {
        let tasks: Vec<NewTask> = (first..number.min(first + 2_000))
            .map(|number| {
                let place = if number % 4_000 == 77 { "pier" } else { "harbour" };
                lab.new_task(index, &format!("{place}/reel-{number:05}.mp4"))
            })
            .collect();
        lab.store.add_tasks(transfer, &tasks, lab.now()).await.unwrap();
        made.extend(tasks.into_iter().map(|task| task.id));
    }
    lab.store.accept_transfer(transfer, lab.now()).await.unwrap();
    made
}

async fn what_many_names_hold_is_counted_up_to_a_limit(lab: &Lab) {
    let index = lab.index("films").await;
    let tasks = many(lab, index, 11_000).await;
    let list = async |name: &str, page, limit| {
        let paging = Paging { page, limit, descending: false, ..FIRST_PAGE };
        lab.store.tasks(lab.workspace, &named(name), paging).await.unwrap()
    };
    let rare = list("pier/reel", 1, 50).await;
    assert_eq!((rare.rows.len(), rare.total, rare.is_at_least), (3, 3, false));
    let first = list("reel-", 1, 50).await;
    assert!(list("reel-", u64::MAX, 50).await.rows.is_empty(), "past the end");
    assert_eq!((first.rows.len(), first.total, first.is_at_least), (50, 1_000, true));
    // Whoever turns pages meets all of them once, and learns the number at the end.
    let mut met = Vec::new();
    for page in 1.. {
        let listed = list("reel-", page, 700).await;
        met.extend(listed.rows.iter().map(|task| task.id));
        let is_last = listed.total <= page * 700;
        assert_eq!(listed.is_at_least, !is_last, "page {page}: {}", listed.total);
        if is_last {
            assert_eq!(listed.total, 11_000);
            break;
        }
    }
    assert_eq!(met, tasks);
    let none = list("reel-x", 1, 50).await;
    assert_eq!((none.rows.len(), none.total, none.is_at_least), (0, 0, false));
    // Too short for the index, and still told.
    let short = list("-0", 1, 50).await;
    assert_eq!((short.rows.len(), short.total, short.is_at_least), (50, 1_000, true));
}

async fn a_part_of_a_name_is_one_of_many_filters(lab: &Lab) {
    let (films, other) = (lab.index("films").await, lab.index("other").await);
    many(lab, films, 4_100).await;
    let single = lab.task(other, "pier/reel-last.mp4").await;
    let filter = TaskFilter { index: Some(other), ..named("pier/") };
    let listed = lab.store.tasks(lab.workspace, &filter, FIRST_PAGE).await.unwrap();
    assert_eq!((listed.rows[0].id, listed.total), (single, 1));
    let stranger = lab.store.tasks(lab.stranger(), &named("pier/"), FIRST_PAGE).await.unwrap();
    assert_eq!(stranger.total, 0);
    for deleted in [other, films] {
        assert!(lab.store.delete_index(lab.workspace, deleted).await.unwrap());
        assert_eq!(lab.misnamed().await, 0, "names go with their tasks");
        let left = lab.store.tasks(lab.workspace, &named("pier/"), FIRST_PAGE).await.unwrap();
        assert_eq!(left.total, if deleted == other { 2 } else { 0 });
    }
}
