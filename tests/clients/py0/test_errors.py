"""What goes wrong comes as the client's own classes, with Telecine's codes."""

import json
import os

import pytest
from shared import NOBODY, World
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import (
    AuthenticationError,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
)

pytestmark = pytest.mark.group("errors")


def test_a_wrong_key_opens_nothing(client: TwelveLabs, world: World) -> None:
    stranger = TwelveLabs(api_key="tlk_wrong")
    for call in (stranger.index.list, stranger.task.list, lambda: stranger.index.retrieve(world.index)):
        with pytest.raises(AuthenticationError, match="api_key_invalid") as refused:
            call()
        assert refused.value.status_code == 401


def test_what_is_not_there_is_told_as_such(client: TwelveLabs, world: World) -> None:
    for call in (
        lambda: client.index.retrieve(NOBODY),
        lambda: client.index.update(NOBODY, name="a"),
        lambda: client.index.delete(NOBODY),
        lambda: client.task.retrieve(NOBODY),
        lambda: client.task.delete(NOBODY),
        lambda: client.task.status(NOBODY),
        lambda: client.index.video.retrieve(world.index, NOBODY),
        lambda: client.index.video.delete(world.index, NOBODY),
        lambda: client.task.create(NOBODY, url="http://127.0.0.1/a.mp4"),
    ):
        with pytest.raises(NotFoundError, match="resource_not_exists"):
            call()
    with pytest.raises(NotFoundError, match="endpoint_not_exists"):
        client.get("no-such-thing")


def test_wrong_parameters_are_named(client: TwelveLabs) -> None:
    with pytest.raises(BadRequestError, match="parameter_invalid") as wrong:
        client.index.retrieve("not-an-id")
    assert "not-an-id" in json.dumps(wrong.value.body)
    for limit in (0, 51):
        with pytest.raises(BadRequestError, match="parameter_invalid"):
            client.index.list(page_limit=limit)


def test_a_busy_or_broken_server_is_told_as_such(client: TwelveLabs, world: World) -> None:
    for mode, error in (("busy", RateLimitError), ("busy-wordless", RateLimitError), ("broken", InternalServerError)):
        address, token = world.failing(mode)
        os.environ["TWELVELABS_BASE_URL"] = address
        try:
            other = TwelveLabs(api_key=world.key)
        finally:
            os.environ["TWELVELABS_BASE_URL"] = world.url
        with pytest.raises(error):
            other.index.list()
        # It does not ask again by itself.
        assert len(world.seen(token)) == 1
