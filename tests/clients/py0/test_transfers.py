"""Cloud-to-cloud transfers: by manifest, and by import."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from shared import NOBODY, World, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError


@pytest.mark.group("transfer")
def test_the_objects_of_a_manifest_become_videos_or_say_why_not(
    client: TwelveLabs, world: World, words: Any, name_of: Callable[[str], str]
) -> None:
    index = client.index.create(name=name_of("manifest"), **words.engines)
    entries = [{"index_id": index.id, "language": "en", "object": world.object("captioned.mp4")}]
    entries[0]["transcription"] = world.object("captioned.srt")
    entries += [{**entries[0], "object": world.object(name)} for name in ("silent.mp4", "small.mp4")]
    assert client.task.transfer(file=io.BytesIO(json.dumps(entries).encode())) is None

    def status() -> Any:
        return client.task.status(index.id)

    wait_until(lambda: status().ready + status().failed == 3, "all done")
    told = [client.get(f"tasks/{task.id}") for task in client.task.list(index_id=index.id)]
    by_name = {task["metadata"]["filename"]: task for task in told}
    assert by_name["captioned.mp4"]["status"] == "ready"
    assert by_name["silent.mp4"]["error"]["code"] == "video_audio_track_not_exists"
    assert by_name["small.mp4"]["error"]["code"] == "video_resolution_too_low"
    (video,) = client.index.video.list(index.id)
    assert [said.value for said in video.transcription()][0] == "Good morning, meadow! Time to crawl out of bed."
    index.delete()


@pytest.mark.group("transfer")
@pytest.mark.parametrize(
    ("entry", "code", "named"),
    [
        ({"object": "ftp://films/a.mp4"}, "parameter_invalid", "`object` does not begin with"),
        ({"object": "gs://nobodys-bucket/a.mp4"}, "integration_not_active", "bucket nobodys-bucket"),
        ({"object": None}, "parameter_invalid", "`object` is missing"),
        ({"object": "s3://nobodys-bucket/a.mp4"}, "integration_not_active", "bucket nobodys-bucket"),
        ({"language": "tlh"}, "parameter_invalid", "`language`"),
        ({"index_id": NOBODY}, "resource_not_exists", "`index_id` names no index"),
    ],
)
def test_a_bad_entry_rejects_its_manifest(
    client: TwelveLabs, own: Any, world: World, entry: dict[str, Any], code: str, named: str
) -> None:
    before = client.task.status(own.index.id).total_result
    good = {"index_id": own.index.id, "language": "en", "object": world.object("captioned.mp4")}
    manifest = io.BytesIO(json.dumps([good, {**good, **entry}]).encode())
    with pytest.raises((BadRequestError, NotFoundError), match=code) as refused:
        client.task.transfer(file=manifest)
    assert "entry 1 (line 1" in refused.value.body["message"]
    assert named in refused.value.body["message"]
    assert client.task.status(own.index.id).total_result == before


@pytest.mark.group("transfer")
def test_a_manifest_may_be_a_file_on_disk(client: TwelveLabs, tmp_path: Any) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("[]")
    with path.open("rb") as file, pytest.raises(BadRequestError, match="no entries"):
        client.task.transfer(file=file)


@pytest.mark.group("imports")
def test_an_import_brings_a_bucket_into_an_index(
    client: TwelveLabs, world: World, words: Any, name_of: Callable[[str], str], import_turn: None
) -> None:
    transfers, integration = client.task.transfers, world.integration
    index = client.index.create(name=name_of("imported"), **words.engines)
    imported = transfers.import_videos(integration, index.id, user_metadata={"batch": 5, "place": "harbour"})
    files = {video.filename: video.video_id for video in imported.videos}
    assert sorted(files) == ["captioned.mp4", "silent.mp4", "small.mp4"]
    assert list(imported.failed_files or []) == []
    with pytest.raises(BadRequestError, match="import_in_progress"):
        transfers.import_videos(integration, index.id)

    def logs() -> list[Any]:
        return [log for log in transfers.import_logs(integration) if log.index_id == index.id]

    wait_until(lambda: logs()[-1].ended_at is not None, "the import ended")
    (log,) = logs()
    counts = log.video_status
    assert (counts.ready, counts.failed) == (1, 2)
    assert counts.validating + counts.queued + counts.pending + counts.indexing == 0
    reasons = {file.filename: file.error_message for file in log.failed_files}
    assert sorted(reasons) == ["silent.mp4", "small.mp4"]
    assert "320x180" in reasons["small.mp4"]

    status = transfers.import_status(integration, index.id)
    assert [video.filename for video in status.ready] == ["captioned.mp4"]
    assert sorted(video.filename for video in status.failed) == ["silent.mp4", "small.mp4"]
    assert [status.not_imported, status.validating, status.pending, status.queued, status.indexing] == [[]] * 5
    # The id is a task's and a video's.
    video = client.index.video.retrieve(index.id, files["captioned.mp4"])
    assert words.measured(video).filename == "captioned.mp4"
    assert client.task.retrieve(files["captioned.mp4"]).status == "ready"
    assert client.get(f"indexes/{index.id}/videos/{video.id}")["user_metadata"] == {"batch": 5, "place": "harbour"}

    again = transfers.import_videos(integration, index.id, incremental_import=True, retry_failed=False)
    assert list(again.videos) == []
    retried = transfers.import_videos(integration, index.id, retry_failed=True)
    assert sorted(video.filename for video in retried.videos) == ["silent.mp4", "small.mp4"]
    wait_until(lambda: logs()[-1].ended_at is not None, "the retries ended")
    assert len(logs()) == 3
    # Oldest first.
    assert [log.created_at for log in logs()] == sorted(log.created_at for log in logs())
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        transfers.import_logs(NOBODY)
    index.delete()
