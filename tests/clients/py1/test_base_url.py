"""The base URL is all that a user changes: with the version, without it, by argument and by environment."""

import pytest
from shared import World
from twelvelabs import TwelveLabs

pytestmark = pytest.mark.group("base_url")


@pytest.mark.parametrize("ending", ["/v1.3", "/v1.3/", "", "/"])
@pytest.mark.parametrize("way", ["argument", "environment"])
def test_both_ways_lead_to_the_same_index(
    world: World, monkeypatch: pytest.MonkeyPatch, ending: str, way: str
) -> None:
    if way == "environment":
        monkeypatch.setenv("TWELVELABS_BASE_URL", world.url + ending)
        client = TwelveLabs(api_key=world.key)
    else:
        client = TwelveLabs(api_key=world.key, base_url=world.url + ending)
    index = client.indexes.retrieve(world.index)
    assert (index.id, index.index_name) == (world.index, "films")
    # What stands at the root speaks v1.3, too.
    assert {model.model_name for model in index.models} == {"marengo2.6", "pegasus1.1"}
    videos = client.indexes.videos.list(world.index)
    assert {video.system_metadata.filename for video in videos} == {"trailer.mp4", "speech.mp4"}
