"""Text about a video. What it says is the model's; that it belongs to the video is tested."""

import json
from typing import Any

import pytest
from shared import NOBODY, World, bounded, this_client, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError

#: How long the reading is, and a second more for whole seconds.
END_S = 46
PROMPT = "What is said?"


def about(world: World, video: str | None = None) -> dict[str, Any]:
    """The argument that names a video, the reading unless another is given: 1.3.6 knows only assets."""
    if this_client().version != "1.3.6":
        return {"video_id": video or world.speech}
    from twelvelabs import VideoContext_AssetId

    return {"video": VideoContext_AssetId(asset_id=video or world.films["asset"])}


@pytest.mark.group("gist_summarize")
def test_a_gist_has_what_was_asked_for(client: TwelveLabs, world: World) -> None:
    gist = client.gist(video_id=world.speech, types=["title", "topic", "hashtag"])
    assert gist.id and gist.title and gist.topics and gist.hashtags
    only = client.gist(video_id=world.speech, types=["title"])
    assert only.title and not only.topics and not only.hashtags


@pytest.mark.group("gist_summarize")
def test_a_summary_is_a_text_chapters_and_highlights_lie_inside_the_video(client: TwelveLabs, world: World) -> None:
    summary = client.summarize(video_id=world.speech, type="summary")
    assert (summary.summarize_type, bool(summary.summary)) == ("summary", True)
    chapters = client.summarize(video_id=world.speech, type="chapter").chapters
    assert [chapter.chapter_number for chapter in chapters] == list(range(len(chapters)))
    assert all(0 <= chapter.start_sec < chapter.end_sec <= END_S for chapter in chapters)
    highlights = client.summarize(video_id=world.speech, type="highlight").highlights
    assert highlights
    assert all(0 <= highlight.start_sec < highlight.end_sec <= END_S for highlight in highlights)


@pytest.mark.group("generate")
def test_text_is_generated(client: TwelveLabs, world: World) -> None:
    told = client.generate(video_id=world.speech, prompt=PROMPT, stream=False)
    assert told.id and told.data.strip()


@pytest.mark.group("analyze")
def test_a_video_is_analyzed(client: TwelveLabs, world: World) -> None:
    told = client.analyze(**about(world), prompt=PROMPT, temperature=0)
    assert told.id and told.data.strip()
    assert told.usage.output_tokens > 0


@pytest.mark.group("analyze")
def test_an_analysis_streams_to_its_end(client: TwelveLabs, world: World) -> None:
    events = bounded(client.analyze_stream(**about(world), prompt=PROMPT, temperature=0))
    kinds = [event.event_type for event in events]
    assert (kinds[0], kinds[-1], set(kinds[1:-1])) == ("stream_start", "stream_end", {"text_generation"})
    assert "".join(event.text for event in events[1:-1]).strip()
    assert events[0].metadata.generation_id == events[-1].metadata.generation_id
    assert events[-1].metadata.usage.output_tokens > 0


@pytest.mark.group("analyze")
def test_what_cannot_be_written_about_is_refused(client: TwelveLabs, world: World, own: Any) -> None:
    with pytest.raises(ApiError) as nobody:
        client.analyze(**about(world, NOBODY), prompt=PROMPT)
    assert nobody.value.status_code in (400, 404)
    with pytest.raises(ApiError):
        bounded(client.analyze_stream(**about(world, NOBODY), prompt=PROMPT))
    if this_client().version != "1.3.6":
        with pytest.raises(ApiError) as refused:
            client.analyze(**about(world, client.tasks.retrieve(own.uploaded).video_id), prompt=PROMPT)
        assert "index_not_supported_for_generate" in json.dumps(refused.value.body)


@pytest.mark.group("analyze_async")
def test_an_analysis_is_made_by_a_task(client: TwelveLabs, world: World) -> None:
    from twelvelabs import VideoContext_AssetId

    video = VideoContext_AssetId(asset_id=world.films["asset"])
    made = client.analyze_async.tasks.create(video=video, prompt=PROMPT, temperature=0)

    def told() -> Any:
        return client.analyze_async.tasks.retrieve(made.task_id)

    wait_until(lambda: told().status in ("ready", "failed"), "analyzed", limit_s=120)
    result = told().result
    assert result.data.strip()
    assert result.finish_reason in ("stop", "length")
    listed = client.analyze_async.tasks.list(page_limit=50)
    assert made.task_id in [task.task_id for task in listed.data]
    client.analyze_async.tasks.delete(made.task_id)
    with pytest.raises(ApiError) as gone:
        told()
    assert gone.value.status_code == 404
