"""Engines and indexes."""

from collections.abc import Callable
from typing import Any

import pytest
from shared import NOBODY, World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError


@pytest.mark.group("engines")
def test_engines_are_told(client: TwelveLabs) -> None:
    engines = {engine.id: engine for engine in client.engine.list()}
    assert {"marengo2.6", "pegasus1.1"} <= set(engines)
    one = client.engine.retrieve("marengo2.6")
    assert one == engines["marengo2.6"]
    assert one.ready
    assert {"visual", "conversation", "text_in_video"} <= set(one.allowed_engine_options)
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        client.engine.retrieve("harbour9")


@pytest.mark.group("indexes")
def test_an_index_is_made_found_renamed_and_deleted(client: TwelveLabs, words: Any, name_of: Callable[[str], str]) -> None:
    name = name_of("harbour")
    index = client.index.create(name=name, **words.engines)
    assert index.name == name
    (engine,) = words.engines_of(index)
    assert engine.name == words.engine["name"]
    assert sorted(engine.options) == sorted(words.engine["options"])
    assert (index.video_count, index.total_duration) == (0, 0)
    assert [found.id for found in client.index.list(name=name)] == [index.id]
    with pytest.raises(BadRequestError, match="index_name_already_exists"):
        client.index.create(name=name, **words.engines)
    index.update(name=name + " at night")
    assert index.retrieve().name == name + " at night"
    assert len(client.index.list(name=name)) == 0
    index.delete()
    with pytest.raises(NotFoundError, match="resource_not_exists"):
        index.retrieve()


@pytest.mark.group("indexes")
def test_what_no_index_can_be_is_refused(client: TwelveLabs, words: Any, name_of: Callable[[str], str]) -> None:
    of_another_maker = {next(iter(words.engines)): [{**words.engine, "name": "harbour9"}]}
    with pytest.raises(BadRequestError, match="parameter_invalid"):
        client.index.create(name=name_of("odd"), **of_another_maker)
    assert len(client.index.list(name=name_of("odd"))) == 0


@pytest.mark.group("indexes")
def test_pages_of_indexes_hold_each_index_once(client: TwelveLabs, words: Any, name_of: Callable[[str], str]) -> None:
    made = [client.index.create(name=name_of(f"page {n}"), **words.engines).id for n in range(3)]

    def read() -> tuple[int, int, list[str]]:
        pages = client.index.list_pagination(page_limit=2)
        before, found = pages.page_info.total_results, [index.id for index in pages.data]
        found += [index.id for page in bounded(pages) for index in page]
        return before, pages.page_info.total_results, found

    # Other clients make and delete indexes meanwhile.
    before, after, found = next(told for told in iter(read, None) if told[0] == told[1] == len(told[2]))
    assert before == after == len(set(found))
    # Newest first.
    assert [index for index in found if index in made] == made[::-1]
    oldest_first = [index.id for index in client.index.list(sort_option="asc", page_limit=50)]
    assert [index for index in oldest_first if index in made] in (made, [])
    assert len(client.index.list(page=999)) == 0


@pytest.mark.group("indexes")
def test_indexes_are_filtered(client: TwelveLabs, world: World, words: Any) -> None:
    films = client.index.retrieve(world.index)
    same = {"name": films.name}
    option = {"model_options" if words.is_v1_3 else "engine_options": [words.said]}
    family = "model_family" if words.is_v1_3 else "engine_family"
    wanted: list[tuple[dict[str, Any], bool]] = [
        ({"id": films.id}, True),
        ({"id": NOBODY}, False),
        ({**same, **option}, True),
        ({**same, family: "pegasus"}, True),
        ({**same, "created_at": films.created_at}, True),
        ({**same, "created_at": {"gte": films.created_at, "lte": films.created_at}}, True),
        ({**same, "created_at": {"gte": "2099-01-01T00:00:00Z"}}, False),
    ]
    for arguments, is_found in wanted:
        found = [index.id for index in client.index.list(**arguments)]
        assert found == ([films.id] if is_found else []), arguments
