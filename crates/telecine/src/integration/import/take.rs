//! Which files an import takes. Pure.

use super::{BucketFile, ImportRequest};
use crate::fault::{Code, Fault};
use crate::index::check_size;
use crate::integration::{Decision, InventoryItem};
use crate::transfer::Status;

/// What is done with a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Choice {
    /// It becomes a task.
    Take,
    /// The index has it, is getting it, or could not take it before; or the integration's filters leave it out.
    Leave,
    /// It cannot enter, and that is known before anything is moved.
    Refuse(Fault),
    /// It lies in an archive, by the listing. Whether it was restored meanwhile is the store's to say.
    AskStore,
}

/// What an import does with a file.
pub(super) fn choose(request: &ImportRequest, file: &BucketFile) -> Choice {
    if request.is_incremental && is_left(request, file) {
        return Choice::Leave;
    }
    match file.item.decision {
        Decision::Taken => Choice::Take,
        Decision::Archived => Choice::AskStore,
        Decision::Empty | Decision::TooLarge => Choice::Refuse(refusal(&file.item)),
        _ => Choice::Leave,
    }
}

fn is_left(request: &ImportRequest, file: &BucketFile) -> bool {
    if file.is_indexed {
        return true;
    }
    let Some(task) = &file.latest else { return false };
    match task.status {
        Status::Validating | Status::Pending | Status::Queued | Status::Indexing => true,
        // What was written since is another file than the one that failed.
        Status::Failed => {
            let is_new = file.item.modified_at.is_some_and(|written| written > task.updated_at);
            !request.retries_failed && !is_new
        }
        // Its video was deleted, or the file has changed.
        Status::Ready | Status::Skipped => false,
    }
}

/// What the listing alone says against a file.
fn refusal(item: &InventoryItem) -> Fault {
    let empty = || Fault::because(Code::VideoFileBroken, "The file is empty.").value("0 bytes");
    check_size(item.size_bytes).err().unwrap_or_else(empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{IndexId, TaskId};
    use crate::integration::import::LatestTask;
    use crate::time::Timestamp;

    fn request(is_incremental: bool, retries_failed: bool) -> ImportRequest {
        let index = IndexId::generate(Timestamp::default());
        ImportRequest { index, is_incremental, retries_failed, user_metadata: None }
    }

    fn file(latest: Option<Status>) -> BucketFile {
        let at = Timestamp::from_millis;
        let task = |status| LatestTask {
            id: TaskId::generate(at(0)),
            status,
            fault: None,
            video: None,
            created_at: at(1_000),
            updated_at: at(2_000),
        };
        BucketFile {
            item: InventoryItem {
                key: "a.mp4".to_owned(),
                size_bytes: 1,
                etag: "1".to_owned(),
                modified_at: Some(at(500)),
                storage_class: String::new(),
                is_archived: false,
                is_video: true,
                decision: Decision::Taken,
            },
            is_indexed: false,
            latest: latest.map(task),
            refusal: None,
        }
    }

    #[test]
    fn an_incremental_import_takes_what_is_not_there_and_not_on_its_way() {
        for retries_failed in [false, true] {
            let request = request(true, retries_failed);
            for status in [Status::Validating, Status::Pending, Status::Queued, Status::Indexing] {
                assert_eq!(choose(&request, &file(Some(status))), Choice::Leave, "{status:?}");
            }
            // The video is gone, or the file has changed: otherwise it would be told as indexed.
            for status in [Status::Ready, Status::Skipped] {
                assert_eq!(choose(&request, &file(Some(status))), Choice::Take, "{status:?}");
            }
            assert_eq!(choose(&request, &file(None)), Choice::Take);
            let indexed = BucketFile { is_indexed: true, ..file(Some(Status::Failed)) };
            assert_eq!(choose(&request, &indexed), Choice::Leave);
        }
    }

    #[test]
    fn what_failed_is_left_unless_asked_for_or_written_anew() {
        let mut failed = file(Some(Status::Failed));
        assert_eq!(choose(&request(true, false), &failed), Choice::Leave);
        assert_eq!(choose(&request(true, true), &failed), Choice::Take);
        failed.item.modified_at = Some(Timestamp::from_millis(2_001));
        assert_eq!(choose(&request(true, false), &failed), Choice::Take);
    }

    #[test]
    fn an_import_of_everything_takes_everything() {
        for status in Status::ALL {
            let file = BucketFile { is_indexed: true, ..file(Some(status)) };
            assert_eq!(choose(&request(false, false), &file), Choice::Take, "{status:?}");
        }
    }

    #[test]
    fn what_no_index_takes_is_refused_before_it_is_moved_and_what_filters_leave_out_is_left() {
        let with = |decision, size_bytes| {
            let mut file = file(None);
            file.item.size_bytes = size_bytes;
            file.item.decision = decision;
            choose(&request(true, false), &file)
        };
        for &decision in Decision::ALL {
            let size = if decision == Decision::TooLarge { (2 << 30) + 1 } else { 0 };
            let code = match (decision, with(decision, size)) {
                (Decision::Empty | Decision::TooLarge, Choice::Refuse(fault)) => Some(fault.code),
                (Decision::Archived, Choice::AskStore)
                | (Decision::Taken, Choice::Take)
                | (_, Choice::Leave) => None,
                (decision, choice) => panic!("{decision:?}: {choice:?}"),
            };
            match decision {
                Decision::Empty => assert_eq!(code, Some(Code::VideoFileBroken)),
                Decision::TooLarge => assert_eq!(code, Some(Code::VideoFilesizeTooLarge)),
                _ => assert_eq!(code, None),
            }
        }
    }
}
