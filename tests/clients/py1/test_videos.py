"""Videos: what was measured, what users add, what was said."""

from typing import Any

import pytest
from shared import World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("videos")


def test_videos_are_listed_with_what_was_measured(client: TwelveLabs, world: World) -> None:
    videos = {video.system_metadata.filename: video for video in client.indexes.videos.list(world.index)}
    assert {name: video.id for name, video in videos.items()} == world.films["videos"]
    measured = videos["speech.mp4"].system_metadata
    assert (measured.width, measured.height, measured.size) == (848, 360, 2564092)
    assert measured.fps > 10
    one = client.indexes.videos.retrieve(world.index, world.speech)
    assert one.system_metadata.duration == measured.duration
    index = client.indexes.retrieve(world.index)
    total = sum(video.system_metadata.duration for video in videos.values())
    assert index.total_duration == pytest.approx(total, abs=0.1)


def test_pages_of_videos_end(client: TwelveLabs, world: World) -> None:
    found = [video.id for video in bounded(client.indexes.videos.list(world.index, page_limit=1))]
    assert sorted(found) == sorted(world.films["videos"].values())
    assert bounded(client.indexes.videos.list(world.index, page=99)) == []


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"filename": "speech.mp4"}, ["speech.mp4"]),
        ({"width": 848}, ["speech.mp4"]),
        ({"size": 2564092}, ["speech.mp4"]),
        ({"duration": 1.5}, []),
        ({"created_at": "2099-01-01T00:00:00Z"}, []),
    ],
)
def test_videos_are_filtered(client: TwelveLabs, world: World, arguments: dict[str, Any], names: list[str]) -> None:
    found = client.indexes.videos.list(world.index, **arguments)
    assert [video.system_metadata.filename for video in found] == names


def test_what_was_said_comes_along(client: TwelveLabs, world: World) -> None:
    said = client.indexes.videos.retrieve(world.index, world.speech, transcription=True).transcription
    assert "season of light" in " ".join(line.value for line in said).lower()
    assert all(0 <= line.start < line.end for line in said)
    assert client.indexes.videos.retrieve(world.index, world.speech).transcription is None


def test_users_put_their_own_fields_on_videos(client: TwelveLabs, own: Any) -> None:
    video = client.tasks.retrieve(own.linked).video_id
    # They came with the task.
    assert client.indexes.videos.retrieve(own.index, video).user_metadata == {"reader": "librivox", "chapter": 1}
    client.indexes.videos.update(own.index, video, user_metadata={"chapter": 2, "isGood": True})
    told = client.indexes.videos.retrieve(own.index, video).user_metadata
    assert told == {"reader": "librivox", "chapter": 2, "isGood": True}
    for chosen in ({"reader": "librivox"}, {"chapter": 2}, {"isGood": True}):
        found = [found.id for found in client.indexes.videos.list(own.index, user_metadata=chosen)]
        assert found == [video], chosen
    assert bounded(client.indexes.videos.list(own.index, user_metadata={"reader": "nobody"})) == []
    client.indexes.videos.update(own.index, video, user_metadata={"isGood": None})
    assert "isGood" not in client.indexes.videos.retrieve(own.index, video).user_metadata
    with pytest.raises(BadRequestError) as refused:
        client.indexes.videos.update(own.index, video, user_metadata={"duration": 1})
    assert refused.value.body["code"] == "parameter_invalid"


def test_a_video_of_another_index_is_not_there(client: TwelveLabs, own: Any, world: World) -> None:
    with pytest.raises(ApiError) as nobody:
        client.indexes.videos.retrieve(own.index, world.speech)
    assert nobody.value.status_code == 404
