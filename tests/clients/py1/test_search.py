"""Search by text: what is found, in which order, on which page. Its iterators fetch page after page."""

import json

import pytest
from shared import World, bounded, this_client
from twelvelabs import TwelveLabs
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("search")


def test_what_is_said_is_found(client: TwelveLabs, world: World) -> None:
    found = client.search.query(index_id=world.index, search_options=["audio"], query_text="the season of light")
    best = next(iter(found))
    assert best.video_id == world.speech
    assert 0 <= best.start < best.end <= 45
    assert best.rank == 1


def test_what_is_seen_and_written_is_found(client: TwelveLabs, world: World) -> None:
    for text, wanted in (("big buck bunny", world.trailer), ("bicycles in a street", world.speech)):
        found = client.search.query(index_id=world.index, search_options=["visual"], query_text=text)
        assert next(iter(found)).video_id == wanted, text


def test_iteration_ends_and_brings_each_clip_once(client: TwelveLabs, world: World) -> None:
    arguments = {"search_options": ["visual", "audio"], "query_text": "a film"}
    clips = bounded(client.search.query(index_id=world.index, page_limit=2, **arguments))
    found = [(clip.video_id, clip.start, clip.end) for clip in clips]
    assert len(found) == len(set(found)) > 2
    first = client.search.create(index_id=world.index, page_limit=2, **arguments)
    assert first.search_pool.index_id == world.index
    assert first.search_pool.total_count == 2
    assert first.page_info.total_results == len(found)
    second = client.search.retrieve(first.page_info.next_page_token)
    assert [(clip.video_id, clip.start, clip.end) for clip in second.data] == found[2:4]
    assert [clip.rank for clip in clips] == list(range(1, len(clips) + 1))
    with pytest.raises(BadRequestError) as expired:
        client.search.retrieve("0f7a2c1e-1111-4222-8333-444455556666-1")
    assert expired.value.body["code"] == "search_page_token_expired"


def test_clips_are_grouped_by_video(client: TwelveLabs, world: World) -> None:
    arguments = {"search_options": ["visual", "audio"], "query_text": "a film", "group_by": "video"}
    videos = bounded(client.search.query(index_id=world.index, page_limit=1, **arguments))
    assert {video.id for video in videos} <= set(world.films["videos"].values())
    assert len(videos) == len({video.id for video in videos}) > 0
    assert all(video.clips and all(clip.start < clip.end for clip in video.clips) for video in videos)


def test_a_filter_leaves_only_its_videos(client: TwelveLabs, world: World) -> None:
    arguments = {"search_options": ["visual", "audio"], "query_text": "a film"}
    for chosen in ({"id": [world.speech]}, {"width": {"gte": 848, "lte": 848}}, {"filename": "speech.mp4"}):
        found = bounded(client.search.query(index_id=world.index, filter=json.dumps(chosen), **arguments))
        assert {clip.video_id for clip in found} == {world.speech}, chosen
    with pytest.raises(BadRequestError) as wrong:
        bounded(client.search.query(index_id=world.index, filter='{"width": {"near": 5}}', **arguments))
    assert wrong.value.body["code"] == "search_filter_invalid"


def test_an_option_that_the_index_has_not_is_refused(client: TwelveLabs, world: World) -> None:
    with pytest.raises(BadRequestError) as refused:
        client.search.create(index_id=world.index, search_options=["logo"], query_text="a film")
    assert refused.value.body["code"] == "search_option_not_supported"


@pytest.mark.group("image_search")
def test_the_newest_versions_say_how_speech_is_searched(client: TwelveLabs, world: World) -> None:
    """`transcription` with `transcription_options` came with 1.1."""
    if this_client().version == "1.0.2":
        arguments = {"search_options": ["audio"]}
    else:
        arguments = {"search_options": ["transcription"], "transcription_options": ["lexical"]}
    found = client.search.query(index_id=world.index, query_text="winter of despair", **arguments)
    assert next(iter(found)).video_id == world.speech
