"""What the tests of Python clients share: the world that world.py made, and waiting."""

import os
import pathlib
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
import versions

#: An id that names nothing.
NOBODY = "65f0c1d2e3a4b5c6d7e8f9aa"
#: More than any list here has.
MOST = 500


@dataclass(frozen=True)
class World:
    """Where things are."""

    url: str
    key: str
    proxy: str
    bucket: str
    integration: str
    links: str
    samples: pathlib.Path
    locks: pathlib.Path
    snippet_python: str
    #: The index that all share (`index`, and `videos` by file name).
    films: dict[str, Any]

    def object(self, name: str) -> str:
        """The address of an object in the customer's bucket."""
        return f"s3://{self.bucket}/{name}"

    @property
    def index(self) -> str:
        """The id of the index that all share. Nobody changes what is in it."""
        return self.films["index"]

    @property
    def trailer(self) -> str:
        """The id of a video in it: an animated trailer with its title, and music."""
        return self.films["videos"]["trailer.mp4"]

    @property
    def speech(self) -> str:
        """The id of the other: street scenes, over which somebody reads."""
        return self.films["videos"]["speech.mp4"]

    def failing(self, mode: str) -> tuple[str, str]:
        """The address of a proxy that fails so (see proxy.py), and a token that asks it what came."""
        token = uuid.uuid4().hex
        return f"{self.proxy}/{mode}/{token}", token

    def seen(self, token: str) -> list[str]:
        """The requests that came to the proxy."""
        return httpx.get(f"{self.proxy}/seen/{token}").json()


def this_client() -> versions.Client:
    """The client that is tested."""
    return versions.client(*os.environ["TELECINE_CLIENT"].split())


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float = 120) -> None:
    """Asks again and again; fails after the limit."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, f"not {what} after {limit_s} s"
        time.sleep(0.1)


def bounded(items: Iterable[Any]) -> list[Any]:
    """All items of what iterates; fails where it does not end."""
    found = []
    for item in items:
        found.append(item)
        assert len(found) <= MOST, "it does not end"
    return found
