"""The bridge: an integration is a connection, from which the newest versions import a bucket's objects."""

from collections.abc import Callable
from typing import Any

import pytest
from shared import NOBODY, World, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError


@pytest.mark.group("connections")
def test_an_integration_is_a_connection(client: TwelveLabs, world: World) -> None:
    known = client.data_connectors.list_connections(page_limit=50).data
    assert world.integration in [connection.id for connection in known]
    told = client.data_connectors.retrieve_connection(world.integration)
    assert (told.provider, told.status) == ("aws_s3", "active")
    with pytest.raises(ApiError) as nobody:
        client.data_connectors.retrieve_connection(NOBODY)
    assert nobody.value.status_code == 404


@pytest.mark.group("bridge")
def test_objects_of_a_bucket_become_videos_of_an_index(
    client: TwelveLabs, world: World, models: list[Any], name_of: Callable[[str], str]
) -> None:
    from twelvelabs.imports import ImportFilesRequestItemsItem

    names = ["captioned.mp4", "no-such-object.mp4"]
    items = [ImportFilesRequestItemsItem(source_id=name) for name in names]
    made = client.imports.import_files(world.integration, items=items)
    assert [item.source_id for item in made.items] == names
    assert made.has_failures
    good, bad = made.items
    assert good.action in ("created", "skipped")
    assert (bad.action, bad.error.code) == ("rejected", "source_unavailable")
    wait_until(lambda: client.assets.retrieve(good.asset_id).status == "ready", "the object is an asset")
    # The same object again is the same asset.
    again = client.imports.import_files(world.integration, items=items[:1]).items[0]
    assert (again.action, again.asset_id) == ("skipped", good.asset_id)
    detail = client.imports.retrieve_import(world.integration, made.id)
    assert good.asset_id in [item.asset_id for item in detail.items]
    assert made.id in [known.id for known in client.imports.list_imports(world.integration, page_limit=50).data]
    index = client.indexes.create(index_name=name_of("bridge"), models=models).id
    indexed = client.indexes.indexed_assets.create(index, asset_id=good.asset_id).id
    told = client.indexes.indexed_assets.retrieve
    wait_until(lambda: told(index, indexed).status in ("ready", "failed"), "indexed")
    assert told(index, indexed).status == "ready"
    client.indexes.delete(index)
