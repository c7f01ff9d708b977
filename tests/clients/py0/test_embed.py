"""Embeddings of text, pictures and sound, and of videos by tasks."""

import math
from typing import Any

import pytest
from shared import NOBODY, World
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError


def engine_of(words: Any, told: Any) -> str:
    """The engine or model that an answer names."""
    return told.model_name if words.is_v1_3 else told.engine_name


def vector_of(embedding: Any) -> list[float]:
    """The numbers: up to 0.2.10 in place, later in segments."""
    if embedding is not None and hasattr(embedding, "segments"):
        (segment,) = embedding.segments
        return list(segment.embeddings_float)
    return list(embedding.float)


def likeness(a: list[float], b: list[float]) -> float:
    """The cosine."""
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length


@pytest.mark.group("embed")
def test_texts_that_mean_the_same_are_near(client: TwelveLabs, words: Any) -> None:
    def embed(text: str) -> list[float]:
        told = client.embed.create(**words.embedding_engine(), text=text, text_truncate="end")
        assert engine_of(words, told)
        return vector_of(told.text_embedding)

    bicycle, bike, soup = embed("a man on a bicycle"), embed("somebody rides a bike"), embed("a bowl of tomato soup")
    assert len(bicycle) > 100
    assert likeness(bicycle, bike) > likeness(bicycle, soup)


@pytest.mark.group("embed")
def test_no_such_engine_is_refused(client: TwelveLabs, words: Any) -> None:
    (name,) = words.embedding_engine()
    with pytest.raises(BadRequestError, match="parameter_invalid"):
        client.embed.create(**{name: "harbour9"}, text="a film", text_truncate="end")


@pytest.mark.group("embed_tasks")
def test_a_video_is_embedded_clip_by_clip(client: TwelveLabs, world: World, words: Any) -> None:
    task = client.embed.task.create(**words.embedding_engine(), video_url=f"{world.links}/short.mp4", video_clip_length=3)
    assert task.wait_for_done(sleep_interval=0.1) == "ready"
    assert client.embed.task.status(task.id).status == "ready"
    told = client.embed.task.retrieve(task.id)
    assert engine_of(words, told)
    segments = told.video_embedding.segments if hasattr(told, "video_embedding") else told.video_embeddings
    assert [round(segment.start_offset_sec) for segment in segments] == [0, 3]
    assert {segment.embedding_scope for segment in segments} == {"clip"}


@pytest.mark.group("embed_tasks")
def test_an_embedding_task_that_is_not_there_is_told_as_such(client: TwelveLabs) -> None:
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        client.embed.task.retrieve(NOBODY)
