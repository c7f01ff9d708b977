"""Combined search: queries of queries."""

from collections.abc import Iterator
from typing import Any

import pytest
from shared import World, bounded
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError
from twelvelabs.models import SearchData

pytestmark = pytest.mark.group("combined_search")

OPTIONS = ["visual", "conversation"]
LIGHT, DESPAIR = ({"text": text, "conversation_option": "exact_match"} for text in ("season of light", "despair"))
BUNNY = {"text": "a rabbit in a meadow"}


def ask(client: TwelveLabs, world: World, query: dict[str, Any], **arguments: Any) -> list[Any]:
    """All clips."""
    options = arguments.pop("options", ["conversation"])
    result = client.search.combined_query(index_id=world.index, options=options, query=query, **arguments)
    return list(result.data) + bounded(clips_after(client, result.page_info.next_page_token))


def clips_after(client: TwelveLabs, token: str | None) -> Iterator[Any]:
    """The clips of the pages from a token on. The client's own iterator breaks on the second page: it asks for a call
    that the client has not."""
    while token:
        page = client.get(f"search/combined/{token}")
        yield from (SearchData(**clip) for clip in page["data"])
        token = page["page_info"].get("next_page_token")


def test_either_is_found(client: TwelveLabs, world: World) -> None:
    found = ask(client, world, {"$or": [LIGHT, {"text": "no such words", "conversation_option": "exact_match"}]})
    assert {clip.video_id for clip in found} == {world.speech}


def test_both_must_be_there(client: TwelveLabs, world: World) -> None:
    never = {"text": "no such words", "conversation_option": "exact_match"}
    assert ask(client, world, {"$and": [LIGHT, never]}) == []
    near = ask(client, world, {"$and": [LIGHT, DESPAIR], "proximity": 60})
    assert {clip.video_id for clip in near} == {world.speech}


def test_one_must_come_before_the_other(client: TwelveLabs, world: World) -> None:
    assert ask(client, world, {"$then": [LIGHT, DESPAIR], "proximity": 60})
    assert ask(client, world, {"$then": [DESPAIR, LIGHT], "proximity": 60}) == []


def test_one_is_taken_away(client: TwelveLabs, world: World) -> None:
    assert ask(client, world, {"$not": {"origin": LIGHT, "sub": DESPAIR}}) != []
    assert ask(client, world, {"$not": {"origin": LIGHT, "sub": LIGHT}}) == []


def test_pages_follow_each_other_to_the_end(client: TwelveLabs, world: World) -> None:
    query = {"$or": [{"text": "a film"}, BUNNY]}
    whole = ask(client, world, query, options=OPTIONS, threshold="none", page_limit=50)
    pages = ask(client, world, query, options=OPTIONS, threshold="none", page_limit=2)
    assert len(whole) > 2
    assert [(clip.video_id, clip.start) for clip in pages] == [(clip.video_id, clip.start) for clip in whole]


def test_the_plain_search_takes_such_queries_too(client: TwelveLabs, world: World) -> None:
    query = {"$or": [LIGHT, DESPAIR]}
    found = client.search.query(index_id=world.index, options=["conversation"], query=query)
    assert {clip.video_id for clip in found.data} == {world.speech}


def test_a_query_of_nothing_is_refused(client: TwelveLabs, world: World) -> None:
    for query in ({"$xor": [LIGHT, DESPAIR]}, {"$and": []}, {}):
        with pytest.raises(BadRequestError, match="parameter_"):
            ask(client, world, query)
