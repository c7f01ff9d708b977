"""Indexes."""

from collections.abc import Callable
from typing import Any

import pytest
from shared import World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("indexes")


def test_an_index_is_made_found_renamed_and_deleted(
    client: TwelveLabs, models: list[Any], name_of: Callable[[str], str]
) -> None:
    name = name_of("harbour")
    made = client.indexes.create(index_name=name, models=models).id
    index = client.indexes.retrieve(made)
    assert index.index_name == name
    assert [(model.model_name, sorted(model.model_options)) for model in index.models] == [
        (models[0].model_name, ["audio", "visual"])
    ]
    assert (index.video_count, index.total_duration) == (0, 0)
    assert [found.id for found in client.indexes.list(index_name=name)] == [made]
    with pytest.raises(BadRequestError) as refused:
        client.indexes.create(index_name=name, models=models)
    assert refused.value.body["code"] == "index_name_already_exists"
    client.indexes.update(made, index_name=name + " at night")
    assert client.indexes.retrieve(made).index_name == name + " at night"
    client.indexes.delete(made)
    with pytest.raises(ApiError) as gone:
        client.indexes.retrieve(made)
    assert gone.value.status_code == 404


def test_pages_of_indexes_end_and_hold_each_index_once(
    client: TwelveLabs, models: list[Any], name_of: Callable[[str], str]
) -> None:
    made = [client.indexes.create(index_name=name_of(f"page {n}"), models=models).id for n in range(3)]
    # Other clients make and delete indexes meanwhile; what is older than this run stays.
    for _ in range(10):
        found = [index.id for index in bounded(client.indexes.list(page_limit=2))]
        if len(found) == len(set(found)) and set(made) <= set(found):
            break
    assert len(found) == len(set(found))
    # Newest first.
    assert [index for index in found if index in made] == made[::-1]
    assert bounded(client.indexes.list(page=999)) == []


def test_indexes_are_filtered(client: TwelveLabs, world: World) -> None:
    for arguments, is_found in (
        ({"model_options": "visual,audio"}, True),
        ({"model_family": "pegasus"}, True),
        ({"created_at": "2020-01-01T00:00:00Z"}, True),
        ({"created_at": "2099-01-01T00:00:00Z"}, False),
    ):
        found = [index.id for index in client.indexes.list(index_name="films", **arguments)]
        assert found == ([world.index] if is_found else []), arguments
