"""Search by a picture, and by a picture with words."""

import pytest
from shared import World, bounded, this_client
from twelvelabs import TwelveLabs
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("image_search")

BY_PICTURE = {"search_options": ["visual"], "query_media_type": "image"}


@pytest.mark.parametrize("name", ["trailer", "speech"])
def test_a_picture_finds_the_film_that_it_is_from(client: TwelveLabs, world: World, name: str) -> None:
    path, wanted = world.samples / f"{name}.jpg", world.films["videos"][f"{name}.mp4"]
    with path.open("rb") as file:
        by_file = bounded(client.search.query(index_id=world.index, query_media_file=file, **BY_PICTURE))
    by_url = bounded(client.search.query(index_id=world.index, query_media_url=f"{world.links}/{name}.jpg", **BY_PICTURE))
    best = by_file[0]
    assert best.video_id == wanted
    # The picture was taken at 20 s. The street scenes come again and again.
    assert name == "speech" or best.start <= 21 and best.end >= 19
    assert [(clip.video_id, clip.start) for clip in by_file] == [(clip.video_id, clip.start) for clip in by_url]


def test_several_pictures_are_one_question(client: TwelveLabs, world: World) -> None:
    name = "query_media_url" if this_client().version == "1.0.2" else "query_media_urls"
    urls = f"{world.links}/speech.jpg" if name == "query_media_url" else [f"{world.links}/speech.jpg"] * 2
    found = bounded(client.search.query(index_id=world.index, **{name: urls}, **BY_PICTURE))
    assert found[0].video_id == world.speech


def test_what_is_no_picture_is_refused(client: TwelveLabs, world: World) -> None:
    with (world.samples / "notes.txt").open("rb") as file, pytest.raises(BadRequestError) as refused:
        client.search.create(index_id=world.index, query_media_file=file, **BY_PICTURE)
    assert refused.value.body["code"] == "parameter_invalid"
