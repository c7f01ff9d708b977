//! The life of a task, without a store or a clock.

use proptest::prelude::*;

use super::*;
use crate::fault::Code;

fn moment() -> Timestamp {
    Timestamp::from_millis(1_709_283_600_000)
}

fn events() -> Vec<Event> {
    let video = TaskId::generate(moment()).into();
    vec![
        Event::Claimed,
        Event::Admitted,
        Event::IndexingStarted,
        Event::Published,
        Event::Failed(Box::new(Fault::new(Code::VideoFileBroken))),
        Event::Duplicate(Duplicate { video, by: DuplicateBy::Content }),
        Event::Postponed { until: moment(), reason: "The store asks to go slower.".to_owned() },
        Event::Released,
        Event::Retried,
        Event::Cancelled,
    ]
}

fn after(status: Status, events: &[Event]) -> Result<Status, IllegalTransition> {
    events.iter().try_fold(status, next_status)
}

#[test]
fn a_task_goes_from_fetch_to_searchable() {
    let life = [Event::Claimed, Event::Admitted, Event::IndexingStarted, Event::Published];
    let mut status = Status::Validating;
    let mut seen = vec![status];
    for event in &life {
        status = next_status(status, event).unwrap();
        seen.push(status);
    }
    assert_eq!(
        seen,
        [Status::Validating, Status::Validating, Status::Queued, Status::Indexing, Status::Ready]
    );
}

#[test]
fn each_event_leads_where_it_says() {
    let expected = [
        Some(Status::Validating),
        Some(Status::Queued),
        Some(Status::Indexing),
        Some(Status::Ready),
        Some(Status::Failed),
        Some(Status::Skipped),
        Some(Status::Pending),
        Some(Status::Validating),
        None,
        Some(Status::Failed),
    ];
    for status in Status::ALL.into_iter().filter(|status| !status.is_final()) {
        let reached: Vec<_> = events().iter().map(|event| next_status(status, event).ok()).collect();
        assert_eq!(reached, expected, "from {status:?}");
    }
}

#[test]
fn only_a_failed_task_is_retried() {
    for status in Status::ALL {
        let retried = next_status(status, &Event::Retried);
        assert_eq!(retried.ok(), (status == Status::Failed).then_some(Status::Validating), "{status:?}");
    }
}

#[test]
fn a_refusal_says_what_and_why() {
    let error = next_status(Status::Ready, &Event::Cancelled).unwrap_err();
    assert_eq!(error.to_string(), "a task that is ready cannot be cancelled");
    let error = next_status(Status::Queued, &Event::Retried).unwrap_err();
    assert_eq!(error.to_string(), "a task that is queued cannot be retried");
    let error = next_status(Status::Skipped, &Event::Claimed).unwrap_err();
    assert_eq!(error.to_string(), "a task that is skipped cannot be worked on");
}

#[test]
fn names_are_those_of_json() {
    for status in Status::ALL {
        assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        assert_eq!(Status::parse(status.as_str()), Some(status));
    }
    assert_eq!(Status::parse("done"), None);
}

proptest! {
    /// A status that is final is left by a retry and by nothing else.
    #[test]
    fn final_is_final(
        start in prop::sample::select(Status::ALL.to_vec()),
        life in prop::collection::vec(prop::sample::select(events()), 0..20),
    ) {
        let mut status = start;
        for event in &life {
            let next = next_status(status, event);
            if status.is_final() {
                prop_assert_eq!(next.is_ok(), status == Status::Failed && *event == Event::Retried);
            } else {
                prop_assert_eq!(next.is_ok(), *event != Event::Retried);
            }
            status = next.unwrap_or(status);
        }
    }

    /// A crash may come at any moment: claimed again, a task can still become ready.
    #[test]
    fn no_task_is_stuck(life in prop::collection::vec(prop::sample::select(events()), 0..20)) {
        let status = life.iter().fold(Status::Validating, |status, event| next_status(status, event).unwrap_or(status));
        if !status.is_final() {
            let rest = [Event::Claimed, Event::Admitted, Event::IndexingStarted, Event::Published];
            prop_assert_eq!(after(status, &rest), Ok(Status::Ready));
        }
    }

    #[test]
    fn counts_add_up(numbers in prop::array::uniform7(0_u64..1_000)) {
        let mut counts = Counts::default();
        for (status, number) in Status::ALL.into_iter().zip(numbers) {
            *counts.of(status) = number;
        }
        let finals = Status::ALL.into_iter().zip(numbers).filter(|(status, _)| status.is_final());
        prop_assert_eq!(counts.total(), numbers.iter().sum::<u64>());
        prop_assert_eq!(counts.finished(), finals.map(|(_, number)| number).sum::<u64>());
    }

    /// Whatever a key or a link is, its file name is a part of it.
    #[test]
    fn a_filename_is_found_in_any_address(text in "\\PC{0,40}") {
        let integration = "65e0f0f0f0f0f0f0f0f0f0f0".parse().unwrap();
        let object = ObjectRef { scheme: Scheme::S3, integration, bucket: "b".to_owned(), key: text.clone() };
        for source in [TaskSource::Object(object), TaskSource::Url { url: text.clone() }] {
            prop_assert!(text.contains(source.filename()));
            prop_assert!(!source.filename().contains('/'));
        }
    }
}

#[test]
fn the_name_to_show_is_the_last_part() {
    let object = |key: &str| {
        let integration = "65e0f0f0f0f0f0f0f0f0f0f0".parse().unwrap();
        TaskSource::Object(ObjectRef {
            scheme: Scheme::S3,
            integration,
            bucket: "b".to_owned(),
            key: key.to_owned(),
        })
    };
    let url = |url: &str| TaskSource::Url { url: url.to_owned() };
    for (source, name) in [
        (object("a/b/film.mp4"), "film.mp4"),
        (object("film.mp4"), "film.mp4"),
        (object("a/b/"), "b"),
        (object("a?b.mp4"), "a?b.mp4"),
        (object("//"), ""),
        (url("https://example.org/v/film.mp4?token=a/b#t=1"), "film.mp4"),
        (url("https://example.org/"), "example.org"),
        (TaskSource::Upload { filename: "my film.mov".to_owned() }, "my film.mov"),
    ] {
        assert_eq!(source.filename(), name, "{source:?}");
    }
}
