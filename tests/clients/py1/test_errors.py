"""What goes wrong comes as the client's own classes, with Telecine's codes."""

import pytest
from shared import NOBODY, World
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError, TooManyRequestsError

pytestmark = pytest.mark.group("errors")


def test_a_wrong_key_opens_nothing(world: World) -> None:
    stranger = TwelveLabs(api_key="tlk_wrong", base_url=f"{world.url}/v1.3")
    for call in (stranger.indexes.list, stranger.tasks.list, lambda: stranger.indexes.retrieve(world.index)):
        with pytest.raises(ApiError) as refused:
            call()
        assert (refused.value.status_code, refused.value.body["code"]) == (401, "api_key_invalid")


def test_what_is_not_there_is_told_as_such(client: TwelveLabs, world: World) -> None:
    for call in (
        lambda: client.indexes.retrieve(NOBODY),
        lambda: client.indexes.update(NOBODY, index_name="a"),
        lambda: client.indexes.delete(NOBODY),
        lambda: client.tasks.retrieve(NOBODY),
        lambda: client.tasks.delete(NOBODY),
        lambda: client.indexes.videos.retrieve(world.index, NOBODY),
        lambda: client.indexes.videos.update(world.index, NOBODY, user_metadata={"a": 1}),
        lambda: client.indexes.videos.delete(world.index, NOBODY),
        lambda: client.tasks.create(index_id=NOBODY, video_url="http://127.0.0.1/a.mp4"),
    ):
        with pytest.raises(ApiError) as nobody:
            call()
        body = nobody.value.body
        # 1.0.2 has a class for some of these bodies.
        code = body["code"] if isinstance(body, dict) else body.code
        assert (nobody.value.status_code, code) == (404, "resource_not_exists")


def test_wrong_parameters_are_named(client: TwelveLabs) -> None:
    with pytest.raises(BadRequestError) as wrong:
        client.indexes.retrieve("not-an-id")
    assert wrong.value.body["code"] == "parameter_invalid"
    assert "not-an-id" in str(wrong.value.body)
    for limit in (0, 51):
        with pytest.raises(BadRequestError):
            client.indexes.list(page_limit=limit)


@pytest.mark.parametrize(
    ("mode", "status", "error"),
    [("busy", 429, TooManyRequestsError), ("busy-wordless", 429, ApiError), ("broken", 500, ApiError)],
)
def test_a_busy_or_broken_server_is_told_as_such(world: World, mode: str, status: int, error: type[ApiError]) -> None:
    address, token = world.failing(mode)
    other = TwelveLabs(api_key=world.key, base_url=f"{address}/v1.3")
    with pytest.raises(error) as refused:
        other.search.create(index_id=world.index, search_options=["visual"], query_text="a film")
    assert refused.value.status_code == status
    # It does not ask again by itself.
    assert len(world.seen(token)) == 1
