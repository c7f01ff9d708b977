"""Assets, by file, by URL and in parts; and assets in an index."""

from collections.abc import Callable
from typing import Any

import pytest
from shared import NOBODY, World, bounded, this_client, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError


def ready(client: TwelveLabs, asset: str) -> Any:
    """The asset, when it is there."""
    wait_until(lambda: client.assets.retrieve(asset).status != "processing", "the asset is there")
    told = client.assets.retrieve(asset)
    assert told.status == "ready"
    return told


@pytest.mark.group("assets")
def test_an_asset_comes_by_file_and_by_url(client: TwelveLabs, world: World, name_of: Callable[[str], str]) -> None:
    names = [name_of("by file") + ".mp4", name_of("by url") + ".mp4"]
    with (world.samples / "short.mp4").open("rb") as file:
        by_file = client.assets.create(method="direct", file=file, filename=names[0])
    by_url = client.assets.create(method="url", url=f"{world.links}/short.mp4", filename=names[1])
    for asset, name, method in ((by_file, names[0], "direct"), (by_url, names[1], "url")):
        told = ready(client, asset.id)
        assert (told.filename, told.method, told.file_type) == (name, method, "video/mp4")
    found = bounded(client.assets.list(asset_ids=[by_file.id, by_url.id], page_limit=1))
    assert {asset.id for asset in found} == {by_file.id, by_url.id}
    # A part of the name, in any case.
    named = bounded(client.assets.list(filename=name_of("By File").split()[-1].upper()))
    assert {by_file.id, by_url.id} <= {asset.id for asset in named}
    assert bounded(client.assets.list(asset_ids=[by_file.id], asset_types=["audio"])) == []
    client.assets.delete(by_file.id)
    with pytest.raises(ApiError) as gone:
        client.assets.retrieve(by_file.id)
    assert gone.value.status_code == 404


@pytest.mark.group("assets")
def test_users_put_their_own_fields_on_assets(client: TwelveLabs, world: World) -> None:
    if this_client().version == "1.2.4":
        # It has no calls for that; what it keeps of an answer it shows.
        made = client.assets.create(method="url", url=f"{world.links}/short.mp4")
        assert made.id
        return
    url = f"{world.links}/short.mp4"
    asset = client.assets.create(method="url", url=url, user_metadata='{"reader": "librivox"}').id
    client.assets.update_user_metadata(asset, user_metadata={"chapter": 1})
    assert client.assets.retrieve(asset).user_metadata == {"reader": "librivox", "chapter": 1}
    client.assets.update_user_metadata(asset, user_metadata={"reader": None})
    assert client.assets.retrieve(asset).user_metadata == {"chapter": 1}
    client.assets.replace_user_metadata(asset, user_metadata={"place": "harbour"})
    assert client.assets.retrieve(asset).user_metadata == {"place": "harbour"}
    client.assets.delete_user_metadata(asset)
    assert not client.assets.retrieve(asset).user_metadata


@pytest.mark.group("multipart")
def test_an_asset_comes_in_parts(client: TwelveLabs, world: World) -> None:
    """The trailer is larger than one part."""
    progress: list[float] = []
    result = client.multipart_upload.upload_file(
        str(world.samples / "trailer.mp4"),
        filename="trailer.mp4",
        progress_callback=lambda told: progress.append(told.percentage),
        retry_delay=0.1,
    )
    told = ready(client, result.asset_id)
    assert (told.method, told.filename) == ("multipart", "trailer.mp4")
    assert result.asset_url
    assert progress[-1] == 100


@pytest.mark.group("multipart")
def test_an_upload_that_is_not_done_is_told(client: TwelveLabs) -> None:
    upload = client.multipart_upload.create(filename="never.mp4", type="video", total_size=30_000_000)
    assert len(upload.upload_urls) == upload.total_chunks > 1
    assert [url.chunk_index for url in upload.upload_urls] == list(range(1, upload.total_chunks + 1))
    more = client.multipart_upload.get_additional_presigned_urls(upload.upload_id, start=1, count=1)
    assert [url.chunk_index for url in more.upload_urls] == [1]
    parts = bounded(client.multipart_upload.get_status(upload.upload_id, page_limit=1))
    assert [part.status for part in parts] == ["pending"] * upload.total_chunks
    unfinished = bounded(client.multipart_upload.list_incomplete_uploads(page_limit=5))
    assert upload.upload_id in [known.upload_id for known in unfinished]


@pytest.mark.group("indexed_assets")
def test_an_asset_is_indexed_and_is_a_video(
    client: TwelveLabs, world: World, models: list[Any], name_of: Callable[[str], str]
) -> None:
    index = client.indexes.create(index_name=name_of("assets"), models=models).id
    asset = client.assets.create(method="url", url=f"{world.links}/short.mp4").id
    ready(client, asset)
    indexed_assets = client.indexes.indexed_assets
    made = indexed_assets.create(index, asset_id=asset)
    assert made.id
    wait_until(lambda: indexed_assets.retrieve(index, made.id).status in ("ready", "failed"), "indexed")
    told = indexed_assets.retrieve(index, made.id, transcription=True)
    assert (told.status, told.asset_id) == ("ready", asset)
    assert told.transcription
    assert [found.id for found in indexed_assets.list(index, status=["ready"], page_limit=1)] == [made.id]
    assert bounded(indexed_assets.list(index, status=["failed"])) == []
    # It is a video.
    assert client.indexes.videos.retrieve(index, made.id).id == made.id
    clips = bounded(client.search.query(index_id=index, search_options=["audio"], query_text="the best of times"))
    assert {clip.video_id for clip in clips} == {made.id}
    indexed_assets.update(index, made.id, user_metadata={"category": "reading"})
    assert [found.id for found in indexed_assets.list(index, user_metadata={"category": "reading"})] == [made.id]
    assert bounded(indexed_assets.list(index, user_metadata={"category": "none"})) == []
    assert [found.index.id for found in indexed_assets.list_by_asset(asset)] == [index]
    with pytest.raises(ApiError) as held:
        client.assets.delete(asset)
    assert held.value.status_code == 409
    indexed_assets.delete(index, made.id)
    client.assets.delete(asset)
    with pytest.raises(ApiError) as nobody:
        indexed_assets.create(index, asset_id=NOBODY)
    assert nobody.value.status_code in (400, 404)
    client.indexes.delete(index)
