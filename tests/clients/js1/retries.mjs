// The client asks up to three times when it hears 408, 429 or 5xx, POSTs too, and sends no key to tell repetitions by.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bounded, clientAt, failing, group, inImportTurn, link, nameOf, version, waitUntil, world,
} from '../shared.mjs'
import { client, models, own, refused } from './client.mjs'

// A client whose requests go through a proxy that fails so, and a call that tells what came.
function through(mode) {
  const { url, seen } = failing(mode)
  return { client: clientAt(`${url}/v1.3`), seen }
}

const named = async (indexName) => bounded(await client.indexes.list({ indexName }))

group('retries', () => {
  test('it asks three times and then tells that the server is busy', async () => {
    const { client: unlucky, seen } = through('busy')
    await assert.rejects(unlucky.indexes.list(), (error) => error.statusCode === 429)
    assert.equal((await seen()).length, 3)
  })

  test('what a gateway refused once is made once', async () => {
    const { client: unlucky, seen } = through('refuse-once')
    const indexName = nameOf('refused once')
    const { id } = await unlucky.indexes.create({ indexName, models })
    assert.deepEqual((await named(indexName)).map((index) => index.id), [id])
    assert.equal((await seen()).length, 2)
  })

  test('an index whose answer was lost is there once, and the repetition is told so', async () => {
    const { client: unlucky, seen } = through('lose-once')
    const indexName = nameOf('lost once')
    await refused(unlucky.indexes.create({ indexName, models }), 400, 'index_name_already_exists')
    assert.equal((await named(indexName)).length, 1)
    assert.equal((await seen()).length, 2)
  })

  test('a video whose task was made, but whose answer was lost, is there once', async () => {
    const { index } = await own()
    const before = (await client.indexes.retrieve(index)).videoCount
    const { client: unlucky, seen } = through('lose-once')
    // Its content is new to the index. 1.0.2 fails before it repeats: it cannot send a form twice.
    await unlucky.tasks.create({ indexId: index, videoUrl: link('other.mp4') }).catch(() => null)
    const list = async () => bounded(await client.tasks.list({ indexId: index }))
    const isDone = async () => (await list()).every((task) => ['ready', 'failed'].includes(task.status))
    await waitUntil(isDone, 'all done')
    assert.ok((await seen()).length >= 1)
    assert.equal((await client.indexes.retrieve(index)).videoCount, before + 1)
    const filename = 'other.mp4'
    assert.equal((await bounded(await client.indexes.videos.list(index, { filename }))).length, 1)
  })

  test('an import whose answer was lost is carried out once', () =>
    inImportTurn(async () => {
      // Only this version has imports.
      if (version !== '1.0.2') return
      const { id: indexId } = await client.indexes.create({ indexName: nameOf('lost import'), models })
      const { client: unlucky } = through('lose-once')
      await refused(unlucky.tasks.transfers.create(world.integration, { indexId }), 400, 'import_in_progress')
      const logs = async () =>
        (await client.tasks.transfers.getLogs(world.integration)).data.filter((log) => log.indexId === indexId)
      await waitUntil(async () => (await logs()).at(-1).endedAt, 'the import ended')
      assert.equal((await logs()).length, 1)
      assert.equal((await client.indexes.retrieve(indexId)).videoCount, 1)
      await client.indexes.delete(indexId)
    }))

  test('a deletion whose answer was lost is done', async () => {
    const indexName = nameOf('lost deletion')
    const { id } = await client.indexes.create({ indexName, models })
    const { client: unlucky } = through('lose-once')
    await unlucky.indexes.delete(id).catch((error) => assert.equal(error.statusCode, 404))
    assert.deepEqual(await named(indexName), [])
  })
})
