"""Tasks: the ways of a video into an index."""

import io
from typing import Any

import pytest
from shared import World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError

pytestmark = pytest.mark.group("tasks")


def test_a_file_and_a_url_become_videos(client: TwelveLabs, own: Any, words: Any) -> None:
    for task, name in ((own.uploaded, "captioned.mp4"), (own.linked, "short.mp4")):
        told = client.task.retrieve(task.id)
        assert (told.status, told.index_id) == ("ready", own.index.id)
        assert words.measured(told)["filename"] == name
        assert client.index.video.retrieve(own.index.id, told.video_id).id == told.video_id
    assert own.seen[-1] == "ready"
    assert set(own.seen) <= {"validating", "pending", "queued", "indexing", "ready"}


def test_tasks_are_listed_in_pages(client: TwelveLabs, own: Any, words: Any) -> None:
    pages = client.task.list_pagination(index_id=own.index.id, page_limit=1)
    found = [task.id for task in pages.data] + [task.id for page in bounded(pages) for task in page]
    assert sorted(found) == sorted([own.uploaded.id, own.linked.id])
    assert pages.page_info.total_results == 2
    assert found == [task.id for task in client.task.list(index_id=own.index.id)]
    assert len(client.task.list(index_id=own.index.id, page=99)) == 0


def test_tasks_are_filtered(client: TwelveLabs, own: Any, words: Any) -> None:
    uploaded = client.task.retrieve(own.uploaded.id)
    measured = words.measured(uploaded)
    for arguments in (
        {"filename": "captioned.mp4"},
        {"width": measured["width"], "height": measured["height"]},
        {"created_at": {"lte": uploaded.created_at}},
    ):
        assert [task.id for task in client.task.list(index_id=own.index.id, **arguments)] == [uploaded.id], arguments
    assert len(client.task.list(index_id=own.index.id, filename="nothing.mp4")) == 0


def test_tasks_are_counted(client: TwelveLabs, own: Any) -> None:
    status = client.task.status(own.index.id)
    assert status.index_id == own.index.id
    assert (status.ready, status.validating, status.pending, status.failed, status.total_result) == (2, 0, 0, 0, 2)


def test_what_is_refused_says_why(client: TwelveLabs, world: World, own: Any) -> None:
    task = client.task.create(own.index.id, file=str(world.samples / "small.mp4")).wait_for_done(sleep_interval=0.1)
    assert task.status == "failed"
    # The client knows no such field; people and tools read it.
    told = client.get(f"tasks/{task.id}")["error"]
    assert told["code"] == "video_resolution_too_low"
    assert "320x180" in told["value"]
    task.delete()
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        task.retrieve()


def test_files_are_taken_from_memory_and_no_content_twice(client: TwelveLabs, own: Any, world: World) -> None:
    """A BytesIO comes with the file name `upload`; the index has these bytes already."""
    content = io.BytesIO((world.samples / "captioned.mp4").read_bytes())
    task = client.task.create(own.index.id, file=content).wait_for_done(sleep_interval=0.1)
    assert task.status == "ready"
    raw = client.get(f"tasks/{task.id}")
    assert raw["video_id"] == client.task.retrieve(own.uploaded.id).video_id
    assert raw["skipped"]["by"] == "content"
    assert client.index.retrieve(own.index.id).video_count == 2
    task.delete()


def test_several_are_made_at_once_and_the_bad_ones_are_left_out(client: TwelveLabs, world: World, own: Any) -> None:
    files = [str(world.samples / "captioned.mp4"), "/no/such/file.mp4"]
    tasks = client.task.create_bulk(own.index.id, files=files, urls=[f"{world.links}/small.mp4"])
    ended = [task.wait_for_done(sleep_interval=0.1).status for task in tasks]
    # The first is there already.
    assert ended == ["ready", "failed"]
    for task in tasks:
        task.delete()


def test_nothing_to_index_is_refused(client: TwelveLabs, own: Any) -> None:
    with pytest.raises(BadRequestError, match="parameter_not_provided"):
        client.post("tasks", data={"index_id": own.index.id}, files={"dummy": ("", "")})
