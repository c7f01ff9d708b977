"""Text about a video. What it says is the model's; that it belongs to the video is tested."""

from typing import Any

import pytest
from shared import NOBODY, World
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError

#: How long the reading is, and a second more for whole seconds.
END_S = 46


@pytest.mark.group("gist_summarize")
def test_a_gist_has_what_was_asked_for(client: TwelveLabs, world: World) -> None:
    gist = client.generate.gist(world.speech, types=["title", "topic", "hashtag"])
    assert gist.id and gist.title.strip() and gist.topics and gist.hashtags
    only = client.generate.gist(world.speech, types=["title"])
    assert only.title and not only.topics and not only.hashtags


@pytest.mark.group("gist_summarize")
def test_a_summary_is_a_text(client: TwelveLabs, world: World) -> None:
    summary = client.generate.summarize(world.speech, type="summary", prompt="In one sentence.", temperature=0.2)
    assert summary.id and summary.summary.strip()
    assert not summary.chapters and not summary.highlights


@pytest.mark.group("gist_summarize")
def test_chapters_and_highlights_lie_inside_the_video(client: TwelveLabs, world: World) -> None:
    chapters = client.generate.summarize(world.speech, type="chapter").chapters
    assert [chapter.chapter_number for chapter in chapters] == list(range(len(chapters)))
    assert all(0 <= chapter.start < chapter.end <= END_S for chapter in chapters)
    assert all(chapter.chapter_title and chapter.chapter_summary for chapter in chapters)
    highlights = client.generate.summarize(world.speech, type="highlight").highlights
    assert highlights
    assert all(0 <= highlight.start < highlight.end <= END_S for highlight in highlights)
    assert all(highlight.highlight for highlight in highlights)


@pytest.mark.group("generate")
def test_text_is_generated(client: TwelveLabs, world: World) -> None:
    told = client.generate.text(world.speech, prompt="What is said?", temperature=0)
    assert told.id and told.data.strip()


@pytest.mark.group("generate")
def test_what_cannot_be_written_about_is_refused(client: TwelveLabs, own: Any) -> None:
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        client.generate.text(NOBODY, prompt="What is said?")
    video = client.task.retrieve(own.uploaded.id).video_id
    with pytest.raises(BadRequestError, match="index_not_supported_for_generate"):
        client.generate.text(video, prompt="What is said?")


@pytest.mark.group("generate_stream")
def test_text_streams_to_its_end(client: TwelveLabs, world: World) -> None:
    stream = client.generate.text_stream(world.speech, prompt="What is said?", temperature=0)
    pieces = list(stream)
    assert pieces
    assert stream.aggregated_text == "".join(pieces)
    assert stream.aggregated_text.strip()
    assert stream.id


@pytest.mark.group("analyze")
def test_it_is_called_analyze_too(client: TwelveLabs, world: World) -> None:
    told = client.analyze(world.speech, prompt="What is said?", temperature=0)
    assert told.id and told.data.strip()
    stream = client.analyze_stream(world.speech, prompt="What is said?", temperature=0)
    assert "".join(stream) == stream.aggregated_text
    assert client.gist(world.speech, types=["title"]).title
    assert client.summarize(world.speech, type="summary").summary


@pytest.mark.group("generate_stream")
def test_a_stream_that_cannot_begin_is_an_error(client: TwelveLabs) -> None:
    """The client raises what httpx says, or what the server says."""
    with pytest.raises(Exception, match=r"404|There is no such video"):
        list(client.generate.text_stream(NOBODY, prompt="What is said?"))
