"""What the tests of Python clients 0.x share: the client, the names of its API version, an index of its own."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from shared import World
from twelvelabs import TwelveLabs


@dataclass(frozen=True)
class Words:
    """The names of an API version: up to 0.3 the client speaks v1.2, from 0.4 on v1.3."""

    is_v1_3: bool

    @property
    def seen(self) -> str:
        """The option for what is seen."""
        return "visual"

    @property
    def said(self) -> str:
        """The option for what is said."""
        return "audio" if self.is_v1_3 else "conversation"

    @property
    def written(self) -> str:
        """The option for what is written in the picture."""
        return "visual" if self.is_v1_3 else "text_in_video"

    @property
    def engine(self) -> dict[str, Any]:
        """An engine or model that searches."""
        options = ["visual", "audio"] if self.is_v1_3 else ["visual", "conversation", "text_in_video"]
        return {"name": "marengo2.7" if self.is_v1_3 else "marengo2.6", "options": options}

    @property
    def engines(self) -> dict[str, Any]:
        """The argument that names the engines of an index."""
        return {"models" if self.is_v1_3 else "engines": [self.engine]}

    def engines_of(self, index: Any) -> Any:
        """The engines of an index."""
        return index.models if self.is_v1_3 else index.engines

    def measured(self, of: Any) -> Any:
        """What was measured of a video, on itself or on its task."""
        return of.system_metadata if self.is_v1_3 else of.metadata

    def metadata(self, values: dict[str, Any]) -> dict[str, Any]:
        """The argument that gives a user's own values."""
        return {"user_metadata" if self.is_v1_3 else "metadata": values}

    def embedding_engine(self) -> dict[str, str]:
        """The argument that names the engine of embeddings."""
        if self.is_v1_3:
            return {"model_name": "Marengo-retrieval-2.7"}
        return {"engine_name": "Marengo-retrieval-2.6"}


@pytest.fixture(scope="session")
def words(version: str) -> Words:
    """The names of the API version that the client speaks."""
    return Words(is_v1_3=version.startswith("0.4"))


@pytest.fixture(scope="session")
def client(world: World) -> TwelveLabs:
    """A client that finds the server as users make it find one."""
    os.environ["TWELVELABS_BASE_URL"] = world.url
    return TwelveLabs(api_key=world.key)


@dataclass
class Own:
    """An index of this client's, when its tasks are done."""

    index: Any
    #: From a file, with captions.
    uploaded: Any
    #: From a URL.
    linked: Any
    #: What `wait_for_done` told meanwhile.
    seen: list[str]


@pytest.fixture(scope="session")
def own(client: TwelveLabs, world: World, words: Words, name_of: Callable[[str], str]) -> Own:
    """Two ways into one index: an upload with captions, and a direct link."""
    index = client.index.create(name=name_of("own"), addons=["thumbnail"], **words.engines)
    captions = str(world.samples / "captioned.srt")
    uploaded = client.task.create(index.id, file=str(world.samples / "captioned.mp4"), transcription_file=captions)
    linked = client.task.create(index.id, url=f"{world.links}/short.mp4")
    seen: list[str] = []
    uploaded.wait_for_done(sleep_interval=0.1, callback=lambda task: seen.append(task.status))
    linked.wait_for_done(sleep_interval=0.1)
    return Own(index, uploaded, linked, seen)
