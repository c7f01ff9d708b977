// Parting: comes last, for it takes away what the others need.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group } from '../shared.mjs'
import { client, own, refused } from './client.mjs'

group('videos', () => {
  test('a video goes before its task, and all with their index', async () => {
    const { index, uploaded, linked } = await own()
    const { videoId } = await client.tasks.retrieve(uploaded)
    await refused(client.tasks.delete(uploaded), 400, 'task_cannot_be_deleted')
    await client.indexes.videos.delete(index, videoId)
    await refused(client.indexes.videos.retrieve(index, videoId), 404, 'resource_not_exists')
    const asked = { indexId: index, queryText: 'a film', searchOptions: ['visual', 'audio'] }
    const found = (await bounded(await client.search.query(asked))).map((clip) => clip.videoId)
    assert.ok(!found.includes(videoId))
    await client.tasks.delete(uploaded)
    const left = (await bounded(await client.tasks.list({ indexId: index }))).map((task) => task.id)
    assert.ok(left.includes(linked) && !left.includes(uploaded))
    await client.indexes.delete(index)
    await refused(client.tasks.retrieve(linked), 404, 'resource_not_exists')
  })
})
