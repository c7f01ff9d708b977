"""What the tests of clients share: the world that run.py made, told by the environment."""

import os
import pathlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class World:
    """Where things are."""

    url: str
    key: str
    bucket: str
    integration: str
    links: str
    samples: pathlib.Path

    def object(self, name: str) -> str:
        """The address of an object in the customer's bucket."""
        return f"s3://{self.bucket}/{name}"


@pytest.fixture(scope="session")
def world() -> World:
    """The running servers."""
    return World(
        url=os.environ["TELECINE_URL"],
        key=os.environ["TELECINE_API_KEY"],
        bucket=os.environ["TELECINE_BUCKET"],
        integration=os.environ["TELECINE_INTEGRATION"],
        links=os.environ["TELECINE_LINKS"],
        samples=pathlib.Path(os.environ["TELECINE_SAMPLES"]),
    )


def wait_until(is_so: Callable[[], bool], what: str, limit_s: float = 120) -> None:
    """Asks again and again; fails after the limit."""
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline, f"not {what} after {limit_s} s"
        time.sleep(0.2)
