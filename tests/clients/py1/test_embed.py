"""Embeddings of text, pictures and sound; of videos by tasks; and the second form of both."""

import math
from typing import Any

import pytest
from shared import NOBODY, World, bounded, this_client, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError

MODEL = "Marengo-retrieval-2.7" if this_client().version == "1.0.2" else "marengo3.0"


def likeness(a: list[float], b: list[float]) -> float:
    """The cosine."""
    length = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return sum(x * y for x, y in zip(a, b, strict=True)) / length


def vector_of(embedding: Any) -> list[float]:
    """The numbers of what is one vector."""
    (segment,) = embedding.segments
    return segment.float_


@pytest.mark.group("embed")
def test_texts_and_pictures_that_show_the_same_are_near(client: TwelveLabs, world: World) -> None:
    def embed(text: str) -> list[float]:
        told = client.embed.create(model_name=MODEL, text=text)
        assert told.model_name
        return vector_of(told.text_embedding)

    bicycle, bike, soup = embed("a man on a bicycle"), embed("somebody rides a bike"), embed("a bowl of tomato soup")
    assert likeness(bicycle, bike) > likeness(bicycle, soup)
    by_url = client.embed.create(model_name=MODEL, image_url=f"{world.links}/speech.jpg").image_embedding
    with (world.samples / "speech.jpg").open("rb") as file:
        by_file = client.embed.create(model_name=MODEL, image_file=file).image_embedding
    assert vector_of(by_url) == pytest.approx(vector_of(by_file), abs=1e-4)
    assert by_url.metadata.input_url == f"{world.links}/speech.jpg"


@pytest.mark.group("embed")
def test_videos_bring_their_vectors(client: TwelveLabs, world: World) -> None:
    option = "visual-text" if this_client().version == "1.0.2" else "visual"
    video = client.indexes.videos.retrieve(world.index, world.speech, embedding_option=[option])
    segments = video.embedding.video_embedding.segments
    assert segments
    assert all(0 <= segment.start_offset_sec < segment.end_offset_sec <= 46 for segment in segments)
    assert len({len(segment.float_) for segment in segments}) == 1


@pytest.mark.group("embed_tasks")
def test_a_video_is_embedded_clip_by_clip(client: TwelveLabs, world: World) -> None:
    made = client.embed.tasks.create(
        model_name=MODEL,
        video_url=f"{world.links}/short.mp4",
        video_clip_length=3,
        video_embedding_scope=["clip", "video"],
    )
    assert client.embed.tasks.wait_for_done(made.id, sleep_interval=0.1).status == "ready"
    status = client.embed.tasks.status(made.id)
    assert (status.status, status.video_embedding.metadata.video_clip_length) == ("ready", 3)
    segments = client.embed.tasks.retrieve(made.id).video_embedding.segments
    clips = [segment for segment in segments if segment.embedding_scope == "clip"]
    assert {round(clip.start_offset_sec) for clip in clips} == {0, 3}
    assert any(segment.embedding_scope == "video" for segment in segments)
    assert made.id in [task.id for task in bounded(client.embed.tasks.list(status="ready", page_limit=5))]
    with pytest.raises(ApiError) as nobody:
        client.embed.tasks.retrieve(NOBODY)
    assert nobody.value.status_code == 404


@pytest.mark.group("embed_v2")
def test_the_second_form_tells_the_same_vectors(client: TwelveLabs, world: World) -> None:
    from twelvelabs import ImageInputRequest, MediaSource, TextInputRequest

    text = TextInputRequest(input_text="a man on a bicycle")
    (told,) = client.embed.v_2.create(input_type="text", model_name=MODEL, text=text).data
    first = client.embed.create(model_name=MODEL, text="a man on a bicycle").text_embedding
    assert told.embedding == pytest.approx(vector_of(first), abs=1e-4)
    image = ImageInputRequest(media_source=MediaSource(url=f"{world.links}/speech.jpg"))
    (picture,) = client.embed.v_2.create(input_type="image", model_name=MODEL, image=image).data
    assert len(picture.embedding) == len(told.embedding)


@pytest.mark.group("embed_v2")
def test_the_second_form_embeds_videos_by_tasks(client: TwelveLabs, world: World) -> None:
    import twelvelabs

    kind = getattr(twelvelabs, "AsyncVideoInputRequest", twelvelabs.VideoInputRequest)
    video = kind(media_source=twelvelabs.MediaSource(url=f"{world.links}/short.mp4"))
    made = client.embed.v_2.tasks.create(input_type="video", model_name=MODEL, video=video)
    assert made.status == "processing"

    def told() -> Any:
        return client.embed.v_2.tasks.retrieve(made.id)

    wait_until(lambda: told().status != "processing", "embedded")
    assert told().status == "ready"
    assert all(0 <= segment.start_sec < segment.end_sec <= 7 for segment in told().data)
    assert made.id in [task.id for task in bounded(client.embed.v_2.tasks.list(page_limit=5))]
