"""The official Python SDK, used as its documentation says, against a real server. Runs with 0.2.10 and with 0.3.2."""

import io
import json
import os
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from conftest import World, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import AuthenticationError, BadRequestError, NotFoundError
from twelvelabs.models import Index, Task, Video

ENGINES = [{"name": "marengo2.6", "options": ["visual", "conversation", "text_in_video"]}]
NOBODY = "65f0c1d2e3a4b5c6d7e8f9aa"


@pytest.fixture(scope="session")
def client(world: World) -> TwelveLabs:
    """A client that finds the server as users make it find one."""
    os.environ["TWELVELABS_BASE_URL"] = world.url
    return TwelveLabs(api_key=world.key)


@dataclass
class Indexed:
    """An index with everything that the tests put into it, when all tasks are done."""

    index: Index
    uploaded: Task
    linked: Task
    #: Tasks of the manifest, by file name.
    transferred: dict[str, Task]


@pytest.fixture(scope="session")
def indexed(client: TwelveLabs, world: World) -> Indexed:
    """Three ways into one index: an upload with captions, a direct link, a manifest."""
    index = client.index.create(name=f"films {os.getpid()}", engines=ENGINES, addons=["thumbnail"])
    uploaded = client.task.create(
        index.id,
        file=str(world.samples / "captioned.mp4"),
        transcription_file=str(world.samples / "captioned.srt"),
        language="en",
    )
    assert uploaded.status != "failed"
    linked = client.task.create(index.id, url=f"{world.links}/speech.mp4", language="en")
    names = ("trailer.mp4", "silent.mp4", "small.mp4")
    manifest = [{"index_id": index.id, "language": "en", "object": world.object(name)} for name in names]
    client.task.transfer(file=io.BytesIO(json.dumps(manifest).encode()))
    seen: list[str] = []
    uploaded.wait_for_done(sleep_interval=0.2, callback=lambda task: seen.append(task.status))
    assert uploaded.status == "ready", seen
    linked.wait_for_done(sleep_interval=0.2)

    def status() -> Any:
        return client.task.status(index.id)

    wait_until(lambda: status().ready + status().failed == status().total_result, "all done")
    tasks = client.task.list(index_id=index.id, page_limit=50)
    by_name = {client.get(f"tasks/{task.id}")["metadata"]["filename"]: task for task in tasks}
    return Indexed(index, uploaded, linked, {name: by_name[name] for name in names})


def ready_video(client: TwelveLabs, indexed: Indexed, name: str) -> Video:
    """The one video of this name."""
    videos = client.index.video.list(indexed.index.id, filename=name)
    assert len(videos) == 1, videos
    return videos[0]


# Indexes


def test_an_index_is_made_found_and_renamed(client: TwelveLabs) -> None:
    name = f"harbour {os.getpid()}"
    index = client.index.create(name=name, engines=ENGINES)
    assert index.name == name
    assert index.engines[0].name == "marengo2.6"
    assert sorted(index.engines[0].options) == ["conversation", "text_in_video", "visual"]
    assert (index.video_count, index.total_duration) == (0, 0)
    assert [found.id for found in client.index.list(name=name)] == [index.id]
    with pytest.raises(BadRequestError, match="index_name_already_exists"):
        client.index.create(name=name, engines=ENGINES)
    index.update(name=name + " at night")
    assert index.retrieve().name == name + " at night"
    index.delete()
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        index.retrieve()


def test_pages_of_indexes_hold_each_index_once(client: TwelveLabs) -> None:
    made = [client.index.create(name=f"page {n} {os.getpid()}", engines=ENGINES).id for n in range(3)]
    first = client.index.list_pagination(page_limit=2)
    found = [index.id for index in first.data] + [index.id for page in first for index in page]
    assert len(found) == len(set(found)) == first.page_info.total_results
    # Newest first.
    assert [index for index in found if index in made] == made[::-1]
    for index in made:
        client.index.delete(index)


# Tasks


def test_an_upload_becomes_a_video(client: TwelveLabs, indexed: Indexed) -> None:
    task = client.task.retrieve(indexed.uploaded.id)
    assert (task.status, task.index_id) == ("ready", indexed.index.id)
    assert task.video_id is not None
    assert task.metadata["filename"] == "captioned.mp4"
    assert task.metadata["duration"] == pytest.approx(5.3, abs=0.5)


def test_a_direct_link_becomes_a_video(client: TwelveLabs, indexed: Indexed) -> None:
    assert indexed.linked.status == "ready", client.get(f"tasks/{indexed.linked.id}")
    assert indexed.linked.metadata["filename"] == "speech.mp4"
    assert indexed.linked.metadata["duration"] == pytest.approx(44.4, abs=0.5)


def test_the_objects_of_a_manifest_become_videos_or_say_why_not(client: TwelveLabs, indexed: Indexed) -> None:
    assert indexed.transferred["trailer.mp4"].status == "ready"
    reasons = {}
    for name in ("silent.mp4", "small.mp4"):
        task = indexed.transferred[name]
        assert task.status == "failed"
        # The SDK knows no such field; people and tools read it.
        reasons[name] = client.get(f"tasks/{task.id}")["error"]
    assert reasons["silent.mp4"]["code"] == "video_audio_track_not_exists"
    assert reasons["small.mp4"]["code"] == "video_resolution_too_low"
    assert "320x180" in reasons["small.mp4"]["value"]


def test_tasks_are_counted_and_listed(client: TwelveLabs, indexed: Indexed) -> None:
    status = client.task.status(indexed.index.id)
    assert status.index_id == indexed.index.id
    assert (status.ready, status.failed, status.validating, status.pending) == (3, 2, 0, 0)
    assert status.total_result == 5
    first = client.task.list_pagination(index_id=indexed.index.id, page_limit=2)
    found = [task.id for task in first.data] + [task.id for page in first for task in page]
    assert len(found) == len(set(found)) == 5
    named = client.task.list(index_id=indexed.index.id, filename="speech.mp4")
    assert [task.id for task in named] == [indexed.linked.id]
    assert len(client.task.list(index_id=indexed.index.id, page=99)) == 0


def test_files_are_taken_from_memory_too(client: TwelveLabs, indexed: Indexed, world: World) -> None:
    """A BytesIO comes with the file name `upload`; the index has these bytes already."""
    content = io.BytesIO((world.samples / "captioned.mp4").read_bytes())
    task = client.task.create(indexed.index.id, file=content).wait_for_done(sleep_interval=0.2)
    assert task.status == "ready"
    raw = client.get(f"tasks/{task.id}")
    assert raw["video_id"] == client.task.retrieve(indexed.uploaded.id).video_id
    assert raw["skipped"]["by"] == "content"
    task.delete()
    with pytest.raises(NotFoundError):
        task.retrieve()


# Videos


def test_videos_are_listed_with_what_was_measured(client: TwelveLabs, indexed: Indexed) -> None:
    videos = {video.metadata.filename: video for video in client.index.video.list(indexed.index.id)}
    assert set(videos) == {"captioned.mp4", "speech.mp4", "trailer.mp4"}
    metadata = videos["speech.mp4"].metadata
    assert (metadata.width, metadata.height) == (848, 360)
    assert metadata.size == 2564092
    assert metadata.fps > 10
    one = client.index.video.retrieve(indexed.index.id, videos["speech.mp4"].id)
    assert one.metadata == metadata
    assert one.indexed_at is not None
    short = client.index.video.list(indexed.index.id, duration={"lte": "10"})
    assert [video.metadata.filename for video in short] == ["captioned.mp4"]
    index = indexed.index.retrieve()
    assert index.video_count == 3
    assert index.total_duration == pytest.approx(sum(video.metadata.duration for video in videos.values()), abs=0.1)


def test_users_put_their_own_fields_on_videos(client: TwelveLabs, indexed: Indexed) -> None:
    video = ready_video(client, indexed, "speech.mp4")
    video.update(metadata={"reader": "librivox", "chapter": 1})
    found = client.index.video.list(indexed.index.id, metadata={"reader": "librivox"})
    assert [video.id for video in found] == [video.id]
    metadata = client.index.video.retrieve(indexed.index.id, video.id).metadata
    assert (metadata.reader, metadata.chapter) == ("librivox", 1)


def test_given_captions_are_the_transcription(client: TwelveLabs, indexed: Indexed) -> None:
    video = ready_video(client, indexed, "captioned.mp4")
    said = [(value.start, value.end, value.value) for value in video.transcription()]
    assert said == [
        (0.3, 2.2, "Good morning, meadow! Time to crawl out of bed."),
        (2.5, 5.0, "What a lovely day to stretch both arms and yawn."),
    ]
    assert [value.start for value in video.transcription(start=3, end=4)] == [2.5]


def test_speech_is_heard(client: TwelveLabs, indexed: Indexed) -> None:
    said = " ".join(value.value for value in ready_video(client, indexed, "speech.mp4").transcription()).lower()
    assert "season of light" in said
    assert "winter of despair" in said


def test_what_is_written_in_the_picture_is_read(client: TwelveLabs, indexed: Indexed) -> None:
    written = ready_video(client, indexed, "trailer.mp4").text_in_video()
    assert any("bunny" in value.value.lower() for value in written), written
    assert all(0 <= value.start < value.end for value in written)


def test_a_thumbnail_is_a_picture(client: TwelveLabs, indexed: Indexed) -> None:
    for time in (None, 3.0):
        url = ready_video(client, indexed, "trailer.mp4").thumbnail(time=time)
        picture = httpx.get(url)
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content[:3] == b"\xff\xd8\xff"


# Search


def clips(result: Any) -> list[Any]:
    """All pages."""
    return list(result.data) + [clip for page in result for clip in page]


def test_a_query_finds_what_is_said(client: TwelveLabs, indexed: Indexed) -> None:
    """`query=` goes out as JSON, `query_text=` as multipart: the same question, the same answer."""
    arguments = {"index_id": indexed.index.id, "options": ["conversation"]}
    by_json = client.search.query(query="time to get up in the morning", **arguments)
    by_form = client.search.query(query_text="time to get up in the morning", **arguments)
    best = by_json.data[0]
    assert best.video_id == ready_video(client, indexed, "captioned.mp4").id
    assert best.start < 2.2
    assert best.confidence in ("high", "medium", "low")
    assert best.modules[0].type == "conversation"
    assert "Good morning, meadow" in best.metadata[0]["text"]
    assert by_form.data[0].model_dump() == best.model_dump()
    assert by_json.pool.index_id == indexed.index.id
    assert by_json.pool.total_count == 3


def test_words_are_found_exactly(client: TwelveLabs, indexed: Indexed) -> None:
    arguments = {"index_id": indexed.index.id, "options": ["conversation"], "conversation_option": "exact_match"}
    found = clips(client.search.query(query="stretch both arms", **arguments))
    assert [clip.video_id for clip in found] == [ready_video(client, indexed, "captioned.mp4").id]
    assert clips(client.search.query(query="arms both stretch", **arguments)) == []


def test_what_is_seen_and_written_is_found(client: TwelveLabs, indexed: Indexed) -> None:
    trailer = ready_video(client, indexed, "trailer.mp4").id
    written = client.search.query(indexed.index.id, ["text_in_video"], query_text="big buck bunny")
    assert written.data[0].video_id == trailer
    seen = client.search.query(indexed.index.id, ["visual"], query="bicycles in a street", threshold="none")
    assert seen.data[0].video_id == ready_video(client, indexed, "speech.mp4").id
    assert seen.data[0].modules[0].type == "visual"


def test_pages_follow_each_other_to_the_end(client: TwelveLabs, indexed: Indexed) -> None:
    arguments = {"query_text": "a film", "threshold": "none", "page_limit": 2}
    options = ["visual", "conversation", "text_in_video"]
    result = client.search.query(indexed.index.id, options, **arguments)
    total = result.page_info.total_results
    assert total > 4
    token = result.page_info.next_page_token
    second = client.search.by_page_token(token)
    assert second.page_info.prev_page_token
    found = [(clip.video_id, clip.start, clip.end) for clip in clips(result)]
    assert len(found) == len(set(found)) == total
    assert [(clip.video_id, clip.start, clip.end) for clip in second.data] == found[2:4]
    with pytest.raises(BadRequestError, match="search_page_token_expired"):
        client.search.by_page_token("0f7a2c1e-1111-4222-8333-444455556666-1")


def test_clips_are_grouped_by_video(client: TwelveLabs, indexed: Indexed) -> None:
    arguments = {"query": "a film", "threshold": "none", "group_by": "video"}
    result = client.search.query(indexed.index.id, ["visual", "conversation"], **arguments)
    videos = list(result.data)
    assert len(videos) == len({video.id for video in videos}) == 3
    assert all(video.clips for video in videos)
    assert all(clip.video_id == video.id for video in videos for clip in video.clips)


def test_a_filter_leaves_only_its_videos(client: TwelveLabs, indexed: Indexed) -> None:
    speech = ready_video(client, indexed, "speech.mp4").id
    for arguments in ({"query": "a film"}, {"query_text": "a film"}):
        for chosen in ({"id": [speech]}, {"width": {"gte": 848, "lte": 848}}):
            result = client.search.query(
                indexed.index.id, ["visual"], filter=chosen, threshold="none", page_limit=50, **arguments
            )
            assert {clip.video_id for clip in clips(result)} == {speech}


# What goes wrong


def test_a_wrong_key_opens_nothing(world: World, client: TwelveLabs) -> None:
    stranger = TwelveLabs(api_key="tlk_wrong")
    with pytest.raises(AuthenticationError, match="api_key_invalid"):
        stranger.index.list()


def test_what_is_not_there_is_told_as_such(client: TwelveLabs, indexed: Indexed) -> None:
    for call in (
        lambda: client.index.retrieve(NOBODY),
        lambda: client.task.retrieve(NOBODY),
        lambda: client.index.video.retrieve(indexed.index.id, NOBODY),
        lambda: client.task.create(NOBODY, url="http://127.0.0.1/a.mp4"),
    ):
        with pytest.raises(NotFoundError, match="resource_not_exists"):
            call()
    with pytest.raises(NotFoundError, match="endpoint_not_exists"):
        client.get("no-such-thing")


def test_wrong_parameters_are_named(client: TwelveLabs, indexed: Indexed) -> None:
    with pytest.raises(BadRequestError, match="search_option_not_supported"):
        client.search.query(indexed.index.id, ["logo"], query="a film")
    with pytest.raises(BadRequestError, match="parameter_invalid") as wrong:
        client.index.retrieve("not-an-id")
    assert "not-an-id" in json.dumps(wrong.value.body)
    with pytest.raises(BadRequestError, match="parameter_not_provided"):
        client.post("tasks", data={"index_id": indexed.index.id}, files={"dummy": ("", "")})


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
    client: TwelveLabs, indexed: Indexed, world: World, entry: dict[str, Any], code: str, named: str
) -> None:
    before = client.task.status(indexed.index.id).total_result
    good = {"index_id": indexed.index.id, "language": "en", "object": world.object("captioned.mp4")}
    manifest = io.BytesIO(json.dumps([good, {**good, **entry}]).encode())
    with pytest.raises((BadRequestError, NotFoundError), match=code) as refused:
        client.task.transfer(file=manifest)
    assert "entry 1 (line 1" in refused.value.body["message"]
    assert named in refused.value.body["message"]
    assert client.task.status(indexed.index.id).total_result == before


def test_a_manifest_may_be_a_file_on_disk(client: TwelveLabs, tmp_path: Any) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("[]")
    with path.open("rb") as file, pytest.raises(BadRequestError, match="no entries"):
        client.task.transfer(file=file)


# Last, for it takes away what the others need.


def test_a_video_goes_before_its_task(client: TwelveLabs, indexed: Indexed) -> None:
    task = client.task.retrieve(indexed.uploaded.id)
    with pytest.raises(BadRequestError, match="task_cannot_be_deleted"):
        task.delete()
    client.index.video.delete(indexed.index.id, task.video_id)
    with pytest.raises(NotFoundError):
        client.index.video.retrieve(indexed.index.id, task.video_id)
    found = client.search.query(indexed.index.id, ["conversation"], query="good morning meadow", threshold="none")
    assert task.video_id not in {clip.video_id for clip in clips(found)}
    task.delete()
    indexed.index.delete()
    with pytest.raises(NotFoundError):
        client.task.retrieve(indexed.linked.id)


# Imports


def test_an_import_brings_a_bucket_into_an_index(client: TwelveLabs, world: World) -> None:
    transfers = getattr(client.task, "transfers", None)
    if transfers is None:
        pytest.skip("this SDK has no import API yet")
    index = client.index.create(name=f"imported {os.getpid()}", engines=ENGINES)
    integration = world.integration
    imported = transfers.import_videos(integration, index.id, user_metadata={"batch": 5, "place": "harbour"})
    names = sorted(video.filename for video in imported.videos)
    assert names == ["captioned.mp4", "silent.mp4", "small.mp4", "trailer.mp4"]
    assert list(imported.failed_files or []) == []
    with pytest.raises(BadRequestError, match="import_in_progress"):
        transfers.import_videos(integration, index.id)

    def log() -> Any:
        return transfers.import_logs(integration)[-1]

    wait_until(lambda: log().ended_at is not None, "the import ended")
    counts = log().video_status
    assert (counts.ready, counts.failed) == (2, 2)
    assert counts.validating + counts.queued + counts.pending + counts.indexing == 0
    reasons = {file.filename: file.error_message for file in log().failed_files}
    assert sorted(reasons) == ["silent.mp4", "small.mp4"]
    assert "320x180" in reasons["small.mp4"]

    status = transfers.import_status(integration, index.id)
    assert sorted(video.filename for video in status.ready) == ["captioned.mp4", "trailer.mp4"]
    assert sorted(video.filename for video in status.failed) == ["silent.mp4", "small.mp4"]
    assert [status.not_imported, status.validating, status.pending, status.queued, status.indexing] == [[]] * 5
    video = client.index.video.retrieve(index.id, status.ready[0].video_id)
    assert (video.metadata.filename, client.task.retrieve(video.id).status) == (status.ready[0].filename, "ready")
    assert client.get(f"indexes/{index.id}/videos/{video.id}")["user_metadata"] == {"batch": 5, "place": "harbour"}

    again = transfers.import_videos(integration, index.id, incremental_import=True, retry_failed=False)
    assert list(again.videos) == []
    retried = transfers.import_videos(integration, index.id, retry_failed=True)
    assert sorted(video.filename for video in retried.videos) == ["silent.mp4", "small.mp4"]
    wait_until(lambda: log().ended_at is not None, "the retries ended")
    assert len(transfers.import_logs(integration)) >= 3
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        transfers.import_logs(NOBODY)
