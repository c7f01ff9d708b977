// Imports from a bucket, by `tasks.transfers`.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, inImportTurn, nameOf, NOBODY, waitUntil, world } from '../shared.mjs'
import { client, models, refused } from './client.mjs'

group('imports', () => {
  test('an import brings a bucket into an index', () =>
    inImportTurn(async () => {
      const { transfers } = client.tasks
      const { id: indexId } = await client.indexes.create({ indexName: nameOf('imported'), models })
      const wanted = { indexId, userMetadata: { batchNumber: 5 } }
      const imported = await transfers.create(world.integration, wanted)
      const files = Object.fromEntries(imported.videos.map((video) => [video.filename, video.videoId]))
      assert.deepEqual(Object.keys(files).sort(), ['captioned.mp4', 'silent.mp4', 'small.mp4'])
      await refused(transfers.create(world.integration, wanted), 400, 'import_in_progress')
      const logs = async () => (await transfers.getLogs(world.integration)).data.filter((log) => log.indexId === indexId)
      await waitUntil(async () => (await logs()).at(-1).endedAt, 'the import ended')
      const [log] = await logs()
      assert.deepEqual([log.videoStatus.ready, log.videoStatus.failed], [1, 2])
      assert.ok(log.endedAt >= log.createdAt)
      const status = await transfers.getStatus(world.integration, { indexId })
      assert.deepEqual(status.ready.map((video) => video.filename), ['captioned.mp4'])
      assert.deepEqual(status.failed.map((video) => video.filename).sort(), ['silent.mp4', 'small.mp4'])
      const video = await client.indexes.videos.retrieve(indexId, files['captioned.mp4'])
      assert.deepEqual(video.userMetadata, { batchNumber: 5 })
      assert.deepEqual((await transfers.create(world.integration, wanted)).videos, [])
      await waitUntil(async () => (await logs()).at(-1).endedAt, 'the second import ended')
      await refused(transfers.getLogs(NOBODY), 404, 'resource_not_exists')
      await client.indexes.delete(indexId)
    }))
})
