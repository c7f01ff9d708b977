"""Parting: comes last, for it takes away what the others need."""

from typing import Any

import pytest
from twelvelabs import TwelveLabs
from twelvelabs.core.api_error import ApiError
from twelvelabs.errors import BadRequestError

pytestmark = pytest.mark.group("videos")


def test_a_video_goes_before_its_task_and_all_with_their_index(client: TwelveLabs, own: Any) -> None:
    video = client.tasks.retrieve(own.uploaded).video_id
    with pytest.raises(BadRequestError) as refused:
        client.tasks.delete(own.uploaded)
    assert refused.value.body["code"] == "task_cannot_be_deleted"
    client.indexes.videos.delete(own.index, video)
    with pytest.raises(ApiError):
        client.indexes.videos.retrieve(own.index, video)
    found = [clip.video_id for clip in client.search.query(index_id=own.index, search_options=["visual"], query_text="a film")]
    assert video not in found
    client.tasks.delete(own.uploaded)
    assert [task.id for task in client.tasks.list(index_id=own.index)] == [own.linked]
    client.indexes.delete(own.index)
    with pytest.raises(ApiError) as gone:
        client.tasks.retrieve(own.linked)
    assert gone.value.status_code == 404
