"""Fixtures of all Python clients' tests, and which tests a version has."""

import json
import os
import pathlib
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
from shared import World, this_client

IMPORT_LIMIT_S = 180


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "group(name): the group of calls, in versions.json, that a test is about")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what the version lacks. That it does lack it is held by a test of its own (test_lacks.py)."""
    if "TELECINE_CLIENT" not in os.environ:
        return
    tested = this_client().tested
    left_out = [item for item in items if (mark := item.get_closest_marker("group")) and mark.args[0] not in tested]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def world() -> World:
    """The running servers."""
    told = json.loads(pathlib.Path(os.environ["TELECINE_WORLD"]).read_text())
    return World(**{**told, "samples": pathlib.Path(told["samples"]), "locks": pathlib.Path(told["locks"])})


@pytest.fixture(scope="session")
def version() -> str:
    """The version of the client."""
    return this_client().version


@pytest.fixture(scope="session")
def name_of() -> Callable[[str], str]:
    """Names that no other client uses."""
    run = f"{os.environ.get('TELECINE_CLIENT', 'nobody')} {uuid.uuid4().hex[:6]}"
    return lambda what: f"{what} {run}"


@pytest.fixture
def import_turn(world: World) -> Iterator[None]:
    """An integration has one import at a time, and other clients want theirs."""
    lock = world.locks / "import"
    deadline = time.monotonic() + IMPORT_LIMIT_S
    while True:
        try:
            lock.mkdir()
            break
        except FileExistsError:
            assert time.monotonic() < deadline, "another client's import does not end"
            time.sleep(0.1)
    yield
    lock.rmdir()
