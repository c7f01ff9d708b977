//! Which files an import takes. Pure.

use super::{BucketFile, ImportRequest};
use crate::fault::{Code, Fault};
use crate::index::{Index, Measured, check_size};
use crate::integration::{Decision, InventoryItem, MediaHeader};
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

/// What an import into this index does with a file.
pub(super) fn choose(request: &ImportRequest, index: &Index, file: &BucketFile) -> Choice {
    if request.is_incremental && is_left(request, file) {
        return Choice::Leave;
    }
    match file.item.decision {
        Decision::Taken => match by_header(index, file) {
            Ok(()) => Choice::Take,
            Err(fault) => Choice::Refuse(fault),
        },
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

/// What a header that was read before says, by the strictest rules of the index's engines: what the task would be told.
fn by_header(index: &Index, file: &BucketFile) -> Result<(), Fault> {
    let Some((header, duration_s)) =
        file.header.as_ref().and_then(|header| Some((header, header.duration_s?)))
    else {
        return Ok(());
    };
    let MediaHeader { width, height, ref audio_codec, .. } = *header;
    index.admit(&Measured { width, height, duration_s, has_audio: audio_codec.is_some() })
}

/// What the listing alone says against a file.
fn refusal(item: &InventoryItem) -> Fault {
    let empty = || Fault::because(Code::VideoFileBroken, "The file is empty.").value("0 bytes");
    check_size(item.size_bytes).err().unwrap_or_else(empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{IndexId, TaskId, WorkspaceId};
    use crate::index::{EngineSpec, IndexModels, ModelOption, ModelRef};
    use crate::integration::import::LatestTask;
    use crate::time::Timestamp;

    fn request(is_incremental: bool, retries_failed: bool) -> ImportRequest {
        let index = IndexId::generate(Timestamp::default());
        ImportRequest { index, is_incremental, retries_failed, user_metadata: None }
    }

    fn index() -> Index {
        let model = || ModelRef { id: "m".to_owned(), dim: 0 };
        Index {
            id: IndexId::generate(Timestamp::default()),
            workspace: WorkspaceId::generate(Timestamp::default()),
            name: "films".to_owned(),
            engines: ["marengo2.6", "pegasus1.1"]
                .map(|name| EngineSpec { name: name.to_owned(), options: [ModelOption::Visual].into() })
                .into(),
            addons: Vec::new(),
            models: IndexModels { see: model(), hear: model(), read: model(), words: model() },
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        }
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
            header: None,
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
                assert_eq!(choose(&request, &index(), &file(Some(status))), Choice::Leave, "{status:?}");
            }
            // The video is gone, or the file has changed: otherwise it would be told as indexed.
            for status in [Status::Ready, Status::Skipped] {
                assert_eq!(choose(&request, &index(), &file(Some(status))), Choice::Take, "{status:?}");
            }
            assert_eq!(choose(&request, &index(), &file(None)), Choice::Take);
            let indexed = BucketFile { is_indexed: true, ..file(Some(Status::Failed)) };
            assert_eq!(choose(&request, &index(), &indexed), Choice::Leave);
        }
    }

    #[test]
    fn what_failed_is_left_unless_asked_for_or_written_anew() {
        let mut failed = file(Some(Status::Failed));
        assert_eq!(choose(&request(true, false), &index(), &failed), Choice::Leave);
        assert_eq!(choose(&request(true, true), &index(), &failed), Choice::Take);
        failed.item.modified_at = Some(Timestamp::from_millis(2_001));
        assert_eq!(choose(&request(true, false), &index(), &failed), Choice::Take);
    }

    #[test]
    fn an_import_of_everything_takes_everything() {
        for status in Status::ALL {
            let file = BucketFile { is_indexed: true, ..file(Some(status)) };
            assert_eq!(choose(&request(false, false), &index(), &file), Choice::Take, "{status:?}");
        }
    }

    #[test]
    fn what_no_index_takes_is_refused_before_it_is_moved_and_what_filters_leave_out_is_left() {
        let with = |decision, size_bytes| {
            let mut file = file(None);
            file.item.size_bytes = size_bytes;
            file.item.decision = decision;
            choose(&request(true, false), &index(), &file)
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

    #[test]
    fn what_a_header_says_is_held_to_the_strictest_engine() {
        let with = |duration_s, height| {
            let header = MediaHeader {
                duration_s,
                width: 1280,
                height,
                fps: 25.0,
                container: "mov,mp4".to_owned(),
                video_codec: "h264".to_owned(),
                audio_codec: None,
                captions: Vec::new(),
                bytes_read: 0,
                requests: 0,
            };
            let file = BucketFile { header: Some(header), ..file(None) };
            match choose(&request(true, false), &index(), &file) {
                Choice::Refuse(fault) => Some(fault.code),
                choice => {
                    assert_eq!(choice, Choice::Take);
                    None
                }
            }
        };
        assert_eq!(with(Some(60.0), 720), None);
        assert_eq!(with(Some(10.0), 720), Some(Code::VideoDurationTooShort), "for pegasus");
        assert_eq!(with(Some(60.0), 180), Some(Code::VideoResolutionTooLow));
        assert_eq!(with(None, 180), None, "only the whole file tells");
    }
}
