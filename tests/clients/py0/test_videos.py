"""Videos: what was measured, what users add, what was said and written."""

from typing import Any

import httpx
import pytest
from shared import World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError


def named(client: TwelveLabs, index_id: str, name: str) -> Any:
    """The one video of this name."""
    (video,) = client.index.video.list(index_id, filename=name)
    return video


@pytest.mark.group("videos")
def test_videos_are_listed_with_what_was_measured(client: TwelveLabs, world: World, words: Any) -> None:
    videos = {words.measured(video).filename: video for video in client.index.video.list(world.index)}
    assert {name: video.id for name, video in videos.items()} == world.films["videos"]
    measured = words.measured(videos["speech.mp4"])
    assert (measured.width, measured.height, measured.size) == (848, 360, 2564092)
    assert measured.fps > 10
    one = client.index.video.retrieve(world.index, world.speech)
    assert words.measured(one) == measured
    assert one.created_at
    index = client.index.retrieve(world.index)
    assert index.video_count == 2
    total = sum(words.measured(video).duration for video in videos.values())
    assert index.total_duration == pytest.approx(total, abs=0.1)


@pytest.mark.group("videos")
def test_videos_are_listed_in_pages(client: TwelveLabs, world: World) -> None:
    pages = client.index.video.list_pagination(world.index, page_limit=1)
    found = [video.id for video in pages.data] + [video.id for page in bounded(pages) for video in page]
    assert sorted(found) == sorted(world.films["videos"].values())
    assert len(client.index.video.list(world.index, page=99)) == 0


@pytest.mark.group("videos")
@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"filename": "speech.mp4"}, ["speech.mp4"]),
        ({"duration": {"lte": 50}}, ["speech.mp4"]),
        ({"duration": {"gte": 50}}, ["trailer.mp4"]),
        ({"width": 848}, ["speech.mp4"]),
        ({"size": 2564092}, ["speech.mp4"]),
        ({"fps": {"gte": 1000}}, []),
        ({"created_at": {"gte": "2099-01-01T00:00:00Z"}}, []),
    ],
)
def test_videos_are_filtered(
    client: TwelveLabs, world: World, words: Any, arguments: dict[str, Any], names: list[str]
) -> None:
    found = client.index.video.list(world.index, **arguments)
    assert [words.measured(video).filename for video in found] == names


@pytest.mark.group("videos")
def test_users_put_their_own_fields_on_videos(client: TwelveLabs, own: Any, words: Any) -> None:
    video = named(client, own.index.id, "short.mp4")
    video.update(**words.metadata({"reader": "librivox", "chapter": 1}))
    found = client.index.video.list(own.index.id, **words.metadata({"reader": "librivox"}))
    assert [video.id for video in found] == [video.id]
    assert len(client.index.video.list(own.index.id, **words.metadata({"reader": "nobody"}))) == 0
    told = client.get(f"indexes/{own.index.id}/videos/{video.id}")["user_metadata"]
    assert told == {"reader": "librivox", "chapter": 1}
    with pytest.raises(BadRequestError, match="parameter_invalid"):
        video.update(**words.metadata({"duration": 1}))
    assert named(client, own.index.id, "short.mp4").id == video.id


@pytest.mark.group("videos")
def test_a_video_of_another_index_is_not_there(client: TwelveLabs, own: Any, world: World) -> None:
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        client.index.video.retrieve(own.index.id, world.speech)


@pytest.mark.group("transcription")
def test_given_captions_are_the_transcription(client: TwelveLabs, own: Any) -> None:
    video = named(client, own.index.id, "captioned.mp4")
    assert [(said.start, said.end, said.value) for said in video.transcription()] == [
        (0.3, 2.2, "Good morning, meadow! Time to crawl out of bed."),
        (2.5, 5.0, "What a lovely day to stretch both arms and yawn."),
    ]
    assert [said.start for said in video.transcription(start=3, end=4)] == [2.5]


@pytest.mark.group("transcription")
def test_speech_is_heard(client: TwelveLabs, world: World) -> None:
    said = client.index.video.transcription(world.index, world.speech)
    text = " ".join(value.value for value in said).lower()
    assert "season of light" in text
    assert "winter of despair" in text


@pytest.mark.group("transcription")
def test_what_is_written_in_the_picture_is_read(client: TwelveLabs, world: World) -> None:
    written = client.index.video.text_in_video(world.index, world.trailer)
    assert any("bunny" in value.value.lower() for value in written), written
    assert all(0 <= value.start < value.end for value in written)


@pytest.mark.group("transcription")
def test_no_logo_is_told(client: TwelveLabs, world: World) -> None:
    """No engine here knows logos; the client is told so in words that it understands."""
    try:
        assert list(client.index.video.logo(world.index, world.trailer)) == []
    except (BadRequestError, NotFoundError) as refused:
        assert refused.body["code"] and refused.body["message"]


@pytest.mark.group("transcription")
def test_a_thumbnail_is_a_picture(client: TwelveLabs, world: World) -> None:
    pictures = []
    for time in (None, 3.0, 20.0):
        url = client.index.video.thumbnail(world.index, world.trailer, time=time)
        picture = httpx.get(url)
        assert picture.headers["content-type"] == "image/jpeg"
        assert picture.content[:3] == b"\xff\xd8\xff"
        pictures.append(picture.content)
    assert pictures[1] != pictures[2]
