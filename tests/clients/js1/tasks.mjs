// Tasks: the ways of a video into an index.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, link, raw } from '../shared.mjs'
import { client, own, refused } from './client.mjs'

group('tasks', () => {
  test('a file and a URL become videos', async () => {
    const { index, uploaded, linked, seen } = await own()
    for (const [id, name] of [[uploaded, 'captioned.mp4'], [linked, 'short.mp4']]) {
      const task = await client.tasks.retrieve(id)
      assert.deepEqual([task.status, task.indexId, task.systemMetadata.filename], ['ready', index, name])
      assert.equal((await client.indexes.videos.retrieve(index, task.videoId)).id, task.videoId)
    }
    assert.equal(seen.at(-1), 'ready')
  })

  test('tasks are listed in pages and filtered', async () => {
    const { index, uploaded, linked } = await own()
    const list = async (chosen) => (await bounded(await client.tasks.list({ indexId: index, ...chosen }))).map((task) => task.id)
    assert.deepEqual((await list({ pageLimit: 1 })).sort(), [uploaded, linked].sort())
    assert.deepEqual(await list({ page: 99 }), [])
    assert.deepEqual(await list({ filename: 'short.mp4' }), [linked])
    assert.equal((await list({ status: ['ready', 'failed'] })).length, 2)
    assert.deepEqual(await list({ status: ['queued', 'indexing'] }), [])
  })

  test('what is refused says why', async () => {
    const { index } = await own()
    const { id } = await client.tasks.create({ indexId: index, videoUrl: link('small.mp4') })
    assert.equal((await client.tasks.waitForDone(id, { sleepInterval: 0.1 })).status, 'failed')
    const { error } = await raw('GET', `/v1.3/tasks/${id}`)
    assert.equal(error.code, 'video_resolution_too_low')
    await client.tasks.delete(id)
    await refused(client.tasks.retrieve(id), 404, 'resource_not_exists')
  })

  test('nothing to index is refused', async () => {
    const { index } = await own()
    await refused(client.tasks.create({ indexId: index }), 400, 'parameter_not_provided')
  })
})
