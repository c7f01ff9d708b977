"""Imports from a bucket, by `tasks.transfers`."""

from collections.abc import Callable
from typing import Any

import pytest
from shared import NOBODY, World, wait_until
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("imports")


def test_an_import_brings_a_bucket_into_an_index(
    client: TwelveLabs, world: World, models: list[Any], name_of: Callable[[str], str], import_turn: None
) -> None:
    transfers, integration = client.tasks.transfers, world.integration
    index = client.indexes.create(index_name=name_of("imported"), models=models).id
    imported = transfers.create(integration, index_id=index, user_metadata={"batch": 5, "place": "harbour"})
    files = {video.filename: video.video_id for video in imported.videos}
    assert sorted(files) == ["captioned.mp4", "silent.mp4", "small.mp4"]
    with pytest.raises(BadRequestError) as refused:
        transfers.create(integration, index_id=index)
    assert refused.value.body["code"] == "import_in_progress"

    def logs() -> list[Any]:
        return [log for log in transfers.get_logs(integration).data if log.index_id == index]

    wait_until(lambda: logs()[-1].ended_at is not None, "the import ended")
    (log,) = logs()
    assert log.created_at <= log.ended_at
    assert (log.video_status.ready, log.video_status.failed) == (1, 2)
    assert all(file.error_message for file in log.failed_files)
    status = transfers.get_status(integration, index_id=index)
    assert [video.filename for video in status.ready] == ["captioned.mp4"]
    assert sorted(video.filename for video in status.failed) == ["silent.mp4", "small.mp4"]
    assert [status.not_imported, status.validating, status.pending, status.queued, status.indexing] == [[]] * 5
    # The id is a task's and a video's.
    assert client.tasks.retrieve(files["captioned.mp4"]).status == "ready"
    video = client.indexes.videos.retrieve(index, files["captioned.mp4"])
    assert video.user_metadata == {"batch": 5, "place": "harbour"}
    assert transfers.create(integration, index_id=index, incremental_import=True, retry_failed=False).videos == []
    wait_until(lambda: logs()[-1].ended_at is not None, "the second import ended")
    with pytest.raises(ApiError) as nobody:
        transfers.get_logs(NOBODY)
    assert nobody.value.status_code == 404
    client.indexes.delete(index)
