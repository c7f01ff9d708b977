"""What versions.json says that a version lacks, it does lack, and nothing else."""

import inspect
from collections.abc import Callable

import pytest
import versions
from shared import World, this_client
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError


def has_imports(client: TwelveLabs) -> bool:
    """1.1 to 1.2.4 have the calls, but not one parameter for them."""
    transfers = getattr(client.tasks, "transfers", None)
    return transfers is not None and "index_id" in inspect.signature(transfers.create).parameters


PROBES: dict[str, Callable[[TwelveLabs], bool]] = {
    "imports": has_imports,
    "embed_v2": lambda client: hasattr(client.embed, "v_2"),
    "gist_summarize": lambda client: hasattr(client, "gist"),
    "generate": lambda client: hasattr(client, "generate"),
    "analyze_async": lambda client: hasattr(client, "analyze_async"),
    "assets": lambda client: hasattr(client, "assets"),
    "multipart": lambda client: hasattr(client, "multipart_upload"),
    "indexed_assets": lambda client: hasattr(client.indexes, "indexed_assets"),
    "connections": lambda client: hasattr(client, "data_connectors"),
    "bridge": lambda client: hasattr(client, "imports"),
}


@pytest.mark.parametrize("group", versions.TOLD["generations"]["py1"]["groups"])
def test_it_is_as_declared(client: TwelveLabs, group: str) -> None:
    has = PROBES.get(group, lambda _: True)(client)
    assert has == (group in this_client().groups)


def test_an_import_without_parameters_is_refused_and_does_nothing(client: TwelveLabs, world: World) -> None:
    """All that 1.1 to 1.2.4 can ask for."""
    if this_client().version != "1.2.4":
        assert has_imports(client) or not hasattr(client.tasks, "transfers")
        return
    with pytest.raises(ApiError) as refused:
        client.tasks.transfers.create(world.integration)
    assert (refused.value.status_code, refused.value.body["code"]) == (400, "parameter_not_provided")
