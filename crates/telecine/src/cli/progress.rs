//! What is known of a transfer while it goes on, and how it looks: a bar per stage on a terminal, plain lines
//! elsewhere. Asks nobody for anything.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde::Deserialize;

use super::show;
use crate::transfer::Counts;

/// A transfer as the server tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct TransferStatus {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) state: String,
    pub(super) created_at: serde_json::Value,
    #[serde(default)]
    pub(super) ended_at: serde_json::Value,
    #[serde(default)]
    pub(super) paused_at: serde_json::Value,
    pub(super) is_finished: bool,
    #[serde(default)]
    pub(super) repeated: u64,
    pub(super) counts: Counts,
    pub(super) stages: Stages,
    #[serde(default)]
    pub(super) in_hand: Vec<InHand>,
    #[serde(default)]
    pub(super) faults: Vec<FaultCount>,
    pub(super) remain_seconds: Option<Range>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Stages {
    pub(super) fetch: Stage,
    pub(super) validate: Stage,
    pub(super) index: Stage,
}

/// How far one stage is, over all tasks.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Stage {
    /// Tasks that need it no more.
    pub(super) done: u64,
    pub(super) done_bytes: u64,
    pub(super) total_bytes: u64,
    pub(super) done_s: f64,
    pub(super) total_s: f64,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct InHand {
    pub(super) filename: String,
    pub(super) stage: String,
    pub(super) fraction: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct FaultCount {
    pub(super) code: String,
    pub(super) count: u64,
    pub(super) message: Option<String>,
    pub(super) remedy: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl TransferStatus {
    /// `5 of 7 done: 3 ready, 1 failed, 1 skipped`.
    pub(super) fn counts_line(&self) -> String {
        let Counts { validating, pending, queued, indexing, ready, failed, skipped } = self.counts;
        let parts = [
            (ready, "ready"),
            (failed, "failed"),
            (skipped, "skipped"),
            (indexing, "indexing"),
            (queued, "queued"),
            (validating, "validating"),
            (pending, "pending"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}"))
            .collect();
        let done = format!("{} of {} done", self.counts.finished(), self.counts.total());
        if parts.is_empty() { done } else { format!("{done}: {}", parts.join(", ")) }
    }

    /// `20 s to 2 min left`; nothing once finished.
    pub(super) fn remain_line(&self) -> Option<String> {
        if self.is_finished {
            return None;
        }
        Some(self.remain_seconds.map_or_else(
            || {
                let why = if self.is_paused() { "paused" } else { "time left is not known yet" };
                why.to_owned()
            },
            |Range { low, high }| match (show::duration(low), show::duration(high)) {
                (low, high) if low == high => format!("about {low} left"),
                (low, high) => format!("{low} to {high} left"),
            },
        ))
    }

    /// Whether a person paused it.
    pub(super) fn is_paused(&self) -> bool {
        !self.paused_at.is_null()
    }

    fn in_stage(&self, stage: &str) -> Option<&str> {
        self.in_hand.iter().find(|task| task.stage == stage).map(|task| task.filename.as_str())
    }

    /// Per stage: its name, how much of it is done (0 to 1), what that is in numbers.
    pub(super) fn stage_lines(&self) -> [(&'static str, f64, String); 3] {
        let total = self.counts.total();
        let Stages { fetch, validate, index } = &self.stages;
        let share = |done: f64, all: f64| if all > 0.0 { (done / all).clamp(0.0, 1.0) } else { 0.0 };
        let tasks = |stage: &Stage| share(stage.done as f64, total as f64);
        let of = |stage: &Stage| format!("{} of {total}", stage.done);
        let fetched = if fetch.total_bytes > 0 {
            format!("; {} of {}", show::size(fetch.done_bytes), show::size(fetch.total_bytes))
        } else {
            String::new()
        };
        let indexed = if index.total_s > 0.0 {
            format!("; {} of {}", show::length(index.done_s), show::length(index.total_s))
        } else {
            String::new()
        };
        // What is being worked on counts in proportion, so that bars move within a large file.
        let moving = |stage: &Stage, name: &str| {
            let parts = self.in_hand.iter().filter(|task| task.stage == name);
            let extra: f64 = parts.filter_map(|task| task.fraction).sum();
            share(stage.done as f64 + extra, total as f64).max(tasks(stage))
        };
        [
            ("fetch", moving(fetch, "fetch"), of(fetch) + &fetched),
            ("validate", tasks(validate), of(validate)),
            ("index", moving(index, "index"), of(index) + &indexed),
        ]
    }
}

/// Shows a transfer that goes on, on standard error.
#[derive(Debug)]
pub(super) enum Display {
    /// On a terminal.
    Bars {
        /// One per stage.
        stages: [ProgressBar; 3],
        /// Counts and time left.
        line: ProgressBar,
    },
    /// Into a pipe or a log.
    Lines {
        /// What was printed last, and when.
        last: Option<(String, Instant)>,
    },
}

impl Display {
    /// For the standard error of this process.
    pub(super) fn new() -> Self {
        if !stderr().is_terminal() {
            return Self::Lines { last: None };
        }
        let all = MultiProgress::new();
        let colour = if show::is_without_colour() { "" } else { ".cyan/dim" };
        let template = format!("{{prefix:<8}} {{bar:20{colour}}} {{wide_msg}}");
        let style = ProgressStyle::with_template(&template)
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("━╸─");
        let bar = || all.add(ProgressBar::new(1_000).with_style(style.clone()));
        let stages = [bar(), bar(), bar()];
        let plain =
            ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let line = all.add(ProgressBar::new(1).with_style(plain));
        Self::Bars { stages, line }
    }

    /// Shows how things stand now.
    pub(super) fn update(&mut self, status: &TransferStatus) {
        let counts = status.counts_line();
        let remain = status.remain_line();
        match self {
            Self::Bars { stages, line } => {
                for (bar, (name, share, numbers)) in stages.iter().zip(status.stage_lines()) {
                    bar.set_prefix(name);
                    bar.set_position((share * 1_000.0) as u64);
                    bar.set_message(match status.in_stage(name) {
                        Some(file) => format!("{numbers}   {file}"),
                        None => numbers,
                    });
                }
                line.set_message(match remain {
                    Some(remain) => format!("{counts} · {remain}"),
                    None => counts,
                });
            }
            Self::Lines { last } => {
                let due = match last {
                    // The end is told with the results.
                    _ if status.is_finished => false,
                    None => true,
                    Some((text, at)) => {
                        let quiet = if *text == counts { 15 } else { 1 };
                        at.elapsed() >= Duration::from_secs(quiet)
                    }
                };
                if due {
                    eprintln!("{counts}{}", remain.map_or_else(String::new, |text| format!("; {text}")));
                    *last = Some((counts, Instant::now()));
                }
            }
        }
    }

    /// Says something in between.
    pub(super) fn say(&self, text: &str) {
        match self {
            Self::Bars { line, .. } => line.set_message(text.to_owned()),
            Self::Lines { .. } => eprintln!("{text}"),
        }
    }

    /// Leaves the bars of the stages as they stand.
    pub(super) fn finish(&self) {
        if let Self::Bars { stages, line } = self {
            stages.iter().for_each(ProgressBar::abandon);
            // The end is told with the results.
            line.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> TransferStatus {
        serde_json::from_value(serde_json::json!({
            "_id": "65f0c1d2e3a4b5c6d7e8f901", "state": "accepted", "created_at": "2024-03-01T09:15:02.417Z",
            "ended_at": null, "is_finished": false, "total": 7, "repeated": 0,
            "counts": {"validating": 1, "pending": 0, "queued": 0, "indexing": 1, "ready": 3, "failed": 1, "skipped": 1},
            "stages": {"fetch": {"tasks": 1, "done": 5, "done_bytes": 31_200_000, "total_bytes": 40_000_000},
                       "validate": {"tasks": 0, "done": 5}, "publish": {"tasks": 0, "done": 5},
                       "index": {"tasks": 1, "done": 5, "done_s": 22.0, "total_s": 95.0}},
            "in_hand": [{"_id": "65f0c1d2e3a4b5c6d7e8f902", "filename": "a.mp4", "stage": "fetch", "fraction": 0.5}],
            "faults": [], "remain_seconds": {"low": 20.0, "high": 120.0}
        }))
        .unwrap()
    }

    #[test]
    fn what_is_known_is_told_in_one_line() {
        let status = status();
        assert_eq!(
            status.counts_line(),
            "5 of 7 done: 3 ready, 1 failed, 1 skipped, 1 indexing, 1 validating"
        );
        assert_eq!(status.remain_line().as_deref(), Some("20 s to 2 min left"));
        let unknown = TransferStatus { remain_seconds: None, ..status.clone() };
        assert_eq!(unknown.remain_line().as_deref(), Some("time left is not known yet"));
        let over = TransferStatus { is_finished: true, ..status };
        assert_eq!(over.remain_line(), None);
    }

    #[test]
    fn a_file_that_is_half_fetched_moves_the_bar_by_half_a_task() {
        let [(name, share, numbers), ..] = status().stage_lines();
        assert_eq!((name, numbers.as_str()), ("fetch", "5 of 7; 31.2 MB of 40.0 MB"));
        assert!((share - 5.5 / 7.0).abs() < 1e-9, "{share}");
    }
}
