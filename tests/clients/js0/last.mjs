// Parting: comes last, for it takes away what the others need.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, sdk } from '../shared.mjs'
import { client, own, said } from './client.mjs'

group('videos', () => {
  test('a video goes before its task, and all with their index', async () => {
    const { index, uploaded, linked } = await own()
    const task = await client.task.retrieve(uploaded.id)
    await assert.rejects(task.delete(), (error) => error.body.code === 'task_cannot_be_deleted')
    await client.index.video.delete(index.id, task.videoId)
    await assert.rejects(client.index.video.retrieve(index.id, task.videoId), sdk.NotFoundError)
    const asked = { indexId: index.id, queryText: 'good morning meadow', options: [said, 'visual'], threshold: 'none' }
    const found = (await client.search.query(asked)).data.map((clip) => clip.videoId)
    assert.ok(found.length && !found.includes(task.videoId))
    await task.delete()
    assert.deepEqual((await client.task.list({ indexId: index.id })).map((left) => left.id), [linked.id])
    await index.delete()
    await assert.rejects(client.task.retrieve(linked.id), sdk.NotFoundError)
  })
})
