"""Parting: comes last, for it takes away what the others need."""

from typing import Any

import pytest
from twelvelabs import TwelveLabs
from twelvelabs.exceptions import BadRequestError, NotFoundError

pytestmark = pytest.mark.group("videos")


def test_a_video_goes_before_its_task_and_all_with_their_index(client: TwelveLabs, words: Any, own: Any) -> None:
    index, task = own.index, client.task.retrieve(own.uploaded.id)
    with pytest.raises(BadRequestError, match="task_cannot_be_deleted"):
        task.delete()
    client.index.video.delete(index.id, task.video_id)
    with pytest.raises(NotFoundError):
        client.index.video.retrieve(index.id, task.video_id)
    asked = {"query_text" if words.is_v1_3 else "query": "good morning meadow"}
    found = client.search.query(index_id=index.id, options=[words.said, words.seen], threshold="none", **asked)
    assert len(found.data) > 0
    assert task.video_id not in {clip.video_id for clip in found.data}
    task.delete()
    assert [left.id for left in client.task.list(index_id=index.id)] == [own.linked.id]
    index.delete()
    with pytest.raises(NotFoundError):
        own.linked.retrieve()
