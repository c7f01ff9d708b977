"""Tasks: the ways of a video into an index."""

from typing import Any

import pytest
from shared import World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("tasks")


def test_a_file_and_a_url_become_videos(client: TwelveLabs, own: Any) -> None:
    for task, name in ((own.uploaded, "captioned.mp4"), (own.linked, "short.mp4")):
        told = client.tasks.retrieve(task)
        assert (told.status, told.index_id) == ("ready", own.index)
        assert told.system_metadata.filename == name
        assert client.indexes.videos.retrieve(own.index, told.video_id).id == told.video_id
    assert own.seen[-1] == "ready"
    assert set(own.seen) <= {"uploading", "validating", "pending", "queued", "indexing", "ready"}


def test_tasks_are_listed_in_pages_and_filtered(client: TwelveLabs, own: Any) -> None:
    found = [task.id for task in bounded(client.tasks.list(index_id=own.index, page_limit=1))]
    assert sorted(found) == sorted([own.uploaded, own.linked])
    assert bounded(client.tasks.list(index_id=own.index, page=99)) == []
    named = client.tasks.list(index_id=own.index, filename="short.mp4")
    assert [task.id for task in named] == [own.linked]
    ended = client.tasks.list(index_id=own.index, status=["ready", "failed"])
    assert sorted(task.id for task in ended) == sorted(found)
    assert bounded(client.tasks.list(index_id=own.index, status=["queued", "indexing"])) == []


def test_what_is_refused_says_why(client: TwelveLabs, world: World, own: Any) -> None:
    task = client.tasks.create(index_id=own.index, video_url=f"{world.links}/small.mp4").id
    told = client.tasks.wait_for_done(task, sleep_interval=0.1)
    assert told.status == "failed"
    # The client knows no such field, and keeps it.
    assert told.error["code"] == "video_resolution_too_low"
    assert "320x180" in told.error["value"]
    client.tasks.delete(task)
    with pytest.raises(ApiError) as gone:
        client.tasks.retrieve(task)
    assert gone.value.status_code == 404


def test_several_are_made_at_once_and_no_content_twice(client: TwelveLabs, world: World, own: Any) -> None:
    content = (world.samples / "captioned.mp4").read_bytes()
    tasks = client.tasks.create_bulk(index_id=own.index, video_files=[content], video_urls=[f"{world.links}/small.mp4"])
    ended = [client.tasks.wait_for_done(task.id, sleep_interval=0.1).status for task in tasks]
    assert ended == ["ready", "failed"]
    assert client.indexes.retrieve(own.index).video_count == 2
    for task in tasks:
        client.tasks.delete(task.id)


def test_nothing_to_index_is_refused(client: TwelveLabs, own: Any) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.tasks.create(index_id=own.index)
    assert refused.value.body["code"] == "parameter_not_provided"
