"""What the tests of Python clients 1.x share: the client, an index of its own."""

import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from shared import World
from twelvelabs import TwelveLabs
from twelvelabs.indexes import IndexesCreateRequestModelsItem

#: The model that the newest versions name.
MODEL = "marengo3.0"


@pytest.fixture(scope="session")
def client(world: World) -> TwelveLabs:
    """A client that finds the server as users make it find one."""
    os.environ.pop("TWELVELABS_BASE_URL", None)
    return TwelveLabs(api_key=world.key, base_url=f"{world.url}/v1.3")


@pytest.fixture(scope="session")
def models() -> list[IndexesCreateRequestModelsItem]:
    """What an index is made with."""
    return [IndexesCreateRequestModelsItem(model_name=MODEL, model_options=["visual", "audio"])]


@dataclass
class Own:
    """An index of this client's, when its tasks are done; all are ids."""

    index: str
    #: From a file.
    uploaded: str
    #: From a URL.
    linked: str
    #: What `wait_for_done` told meanwhile.
    seen: list[str]


@pytest.fixture(scope="session")
def own(client: TwelveLabs, world: World, models: list, name_of: Callable[[str], str]) -> Own:
    """Two ways into one index: an upload, and a direct link."""
    index = client.indexes.create(index_name=name_of("own"), models=models, addons=["thumbnail"]).id
    with (world.samples / "captioned.mp4").open("rb") as file:
        uploaded = client.tasks.create(index_id=index, video_file=file).id
    metadata = '{"reader": "librivox", "chapter": 1}'
    linked = client.tasks.create(index_id=index, video_url=f"{world.links}/short.mp4", user_metadata=metadata).id
    seen: list[str] = []
    client.tasks.wait_for_done(uploaded, sleep_interval=0.1, callback=lambda task: seen.append(task.status))
    client.tasks.wait_for_done(linked, sleep_interval=0.1)
    return Own(index, uploaded, linked, seen)
