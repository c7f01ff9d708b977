"""Search by a picture."""

from typing import Any

import pytest
from shared import World
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError

pytestmark = pytest.mark.group("image_search")


@pytest.mark.parametrize("name", ["trailer", "speech"])
def test_a_picture_finds_the_film_that_it_is_from(client: TwelveLabs, world: World, name: str) -> None:
    path, wanted = world.samples / f"{name}.jpg", world.films["videos"][f"{name}.mp4"]
    arguments = {"index_id": world.index, "options": ["visual"], "query_media_type": "image", "threshold": "none"}
    with path.open("rb") as file:
        answers = [
            client.search.query(query_media_file=str(path), **arguments),
            client.search.query(query_media_file=file, **arguments),
            client.search.query(query_media_url=f"{world.links}/{name}.jpg", **arguments),
        ]
    for answer in answers:
        best = answer.data[0]
        assert best.video_id == wanted
        # The picture was taken at 20 s. The street scenes come again and again.
        assert name == "speech" or best.start <= 21 and best.end >= 19
    found = [[(clip.video_id, clip.start) for clip in answer.data] for answer in answers]
    assert found[0] == found[1] == found[2]


def test_what_is_no_picture_is_refused(client: TwelveLabs, world: World) -> None:
    path = str(world.samples / "notes.txt")
    arguments: dict[str, Any] = {"index_id": world.index, "options": ["visual"], "query_media_type": "image"}
    with pytest.raises(BadRequestError, match="parameter_invalid"):
        client.search.query(query_media_file=path, **arguments)
