"""What versions.json says that a version lacks, it does lack, and nothing else."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest
import versions
from shared import this_client
from twelvelabs import TwelveLabs


def takes(call: Callable[..., Any], name: str) -> bool:
    """Whether a call has this parameter."""
    return name in inspect.signature(call).parameters


PROBES: dict[str, Callable[[TwelveLabs], bool]] = {
    "engines": lambda client: hasattr(client, "engine"),
    "transfer": lambda client: hasattr(client.task, "transfer"),
    "imports": lambda client: hasattr(client.task, "transfers"),
    "transcription": lambda client: hasattr(client.index.video, "transcription"),
    "image_search": lambda client: takes(client.search.query, "query_media_file"),
    "combined_search": lambda client: hasattr(client.search, "combined_query"),
    "generate_stream": lambda client: hasattr(client.generate, "text_stream"),
    "analyze": lambda client: hasattr(client, "analyze"),
}


@pytest.mark.parametrize("group", versions.TOLD["generations"]["py0"]["groups"])
def test_it_is_as_declared(client: TwelveLabs, group: str) -> None:
    has = PROBES.get(group, lambda _: True)(client)
    assert has == (group in this_client().groups)
