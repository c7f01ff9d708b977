"""Search by text: what is found, in which order, on which page. Answers to `query=`, which goes out as JSON (up to 0.3),
and to `query_text=`, which goes out as multipart (from 0.2 on), are the same."""

import json
from typing import Any

import pytest
from shared import World, bounded, this_client
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import APIConnectionError, BadRequestError

FORMS = {"0.1.25": ["query"], "0.4.11": ["query_text"]}.get(this_client().version, ["query", "query_text"])

pytestmark = [pytest.mark.group("search"), pytest.mark.parametrize("form", FORMS)]


def clips(result: Any) -> list[Any]:
    """All pages."""
    return list(result.data) + [clip for page in bounded(result) for clip in page]


def test_what_is_said_is_found(client: TwelveLabs, world: World, words: Any, form: str) -> None:
    result = client.search.query(index_id=world.index, options=[words.said], **{form: "the season of light"})
    best = result.data[0]
    assert best.video_id == world.speech
    assert 0 <= best.start < best.end <= 45
    assert best.confidence in ("high", "medium", "low")
    assert (result.pool.index_id, result.pool.total_count) == (world.index, 2)
    scores = [clip.score for clip in result.data]
    assert scores == sorted(scores, reverse=True)
    if not words.is_v1_3:
        assert best.modules[0].type == "conversation"
        assert "light" in best.metadata[0]["text"].lower()


def test_words_are_found_exactly(client: TwelveLabs, world: World, words: Any, form: str) -> None:
    arguments = {"index_id": world.index, "options": [words.said], "conversation_option": "exact_match"}
    if words.is_v1_3:
        # It has no such option, and the client no such argument: what it does not know it hands to httpx, which fails.
        with pytest.raises(APIConnectionError):
            client.search.query(**{form: "winter of despair"}, **arguments)
        return
    found = clips(client.search.query(**{form: "winter of despair"}, **arguments))
    assert {clip.video_id for clip in found} == {world.speech}
    assert clips(client.search.query(**{form: "despair of winter"}, **arguments)) == []


def test_what_is_seen_and_written_is_found(client: TwelveLabs, world: World, words: Any, form: str) -> None:
    written = client.search.query(index_id=world.index, options=[words.written], **{form: "big buck bunny"})
    assert written.data[0].video_id == world.trailer
    arguments = {"index_id": world.index, "options": ["visual"], "threshold": "none"}
    seen = client.search.query(**arguments, **{form: "bicycles in a street"})
    assert seen.data[0].video_id == world.speech


def test_pages_follow_each_other_to_the_end(client: TwelveLabs, world: World, words: Any, form: str) -> None:
    options = sorted({words.seen, words.said, words.written})
    arguments = {"index_id": world.index, "options": options, "threshold": "none"}
    result = client.search.query(page_limit=2, **arguments, **{form: "a film"})
    total = result.page_info.total_results
    assert total > 4
    second = client.search.by_page_token(result.page_info.next_page_token)
    found = [(clip.video_id, clip.start, clip.end) for clip in clips(result)]
    assert len(found) == len(set(found)) == total
    assert [(clip.video_id, clip.start, clip.end) for clip in second.data] == found[2:4]
    whole = client.search.query(page_limit=50, **arguments, **{form: "a film"})
    assert [(clip.video_id, clip.start, clip.end) for clip in whole.data] == found[:50]
    with pytest.raises(BadRequestError, match="search_page_token_expired"):
        client.search.by_page_token("0f7a2c1e-1111-4222-8333-444455556666-1")


def test_clips_are_grouped_by_video(client: TwelveLabs, world: World, words: Any, form: str) -> None:
    arguments = {"index_id": world.index, "options": [words.seen, words.said], "threshold": "none"}
    result = client.search.query(group_by="video", page_limit=1, **arguments, **{form: "a film"})
    videos = clips(result)
    assert sorted(video.id for video in videos) == sorted(world.films["videos"].values())
    assert all(video.clips for video in videos)
    assert all(clip.video_id == video.id for video in videos for clip in video.clips)


def test_a_filter_leaves_only_its_videos(client: TwelveLabs, world: World, form: str) -> None:
    for chosen in ({"id": [world.speech]}, {"width": {"gte": 848, "lte": 848}}, {"filename": "speech.mp4"}):
        arguments = {"index_id": world.index, "options": ["visual"], "threshold": "none"}
        found = clips(client.search.query(filter=chosen, **arguments, **{form: "a film"}))
        assert {clip.video_id for clip in found} == {world.speech}, chosen
    with pytest.raises(BadRequestError, match="search_filter_invalid"):
        client.search.query(filter={"width": {"near": 5}}, **arguments, **{form: "a film"})


def test_an_option_that_the_index_has_not_is_refused(client: TwelveLabs, world: World, form: str) -> None:
    with pytest.raises(BadRequestError, match="search_option_not_supported") as refused:
        client.search.query(index_id=world.index, options=["logo"], **{form: "a film"})
    assert "logo" in json.dumps(refused.value.body)
