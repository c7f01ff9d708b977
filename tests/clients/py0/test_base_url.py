"""The base URL is all that a user changes."""

import httpx
import pytest
from shared import World
from twelvelabs import TwelveLabs

pytestmark = pytest.mark.group("base_url")


def test_the_bare_host_is_enough(client: TwelveLabs, world: World) -> None:
    assert world.index in [index.id for index in client.index.list(name="films")]


def test_each_version_that_the_constructor_takes_is_served(world: World, version: str) -> None:
    prefixes = ["v1.3"] if version.startswith("0.4") else ["v1.1", "v1.2"]
    for prefix in prefixes:
        client = TwelveLabs(api_key=world.key, version=prefix)
        assert client.index.retrieve(world.index).name == "films"


def test_nothing_is_redirected(world: World) -> None:
    """The client would not follow."""
    for path in ("/v1.2/indexes", "/v1.2/indexes/", "/v1.3/indexes/", "/indexes/"):
        answer = httpx.get(world.url + path, headers={"x-api-key": world.key}, follow_redirects=False)
        assert answer.status_code == 200, path
