// The client asks up to three times when it hears 408, 429 or 5xx, POSTs too, and sends no key to tell repetitions by.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, clientAt, failing, group, link, nameOf, sdk, world } from '../shared.mjs'
import { client, models, own } from './client.mjs'

// A client whose requests go through a proxy that fails so, and a call that tells what came.
function through(mode) {
  const { url, seen } = failing(mode)
  return { client: clientAt(`${url}/v1.3`), seen }
}

const named = async (indexName) => bounded(await client.indexes.list({ indexName }))

group('retries', () => {
  test('it asks three times and then tells that the server is busy', async () => {
    const { client: unlucky, seen } = through('busy')
    const asked = { indexId: world.films.index, searchOptions: ['visual'], queryText: 'a film' }
    await assert.rejects(unlucky.search.create(asked), (error) => {
      assert.ok(error instanceof sdk.TwelvelabsApi.TooManyRequestsError)
      return error.statusCode === 429
    })
    assert.equal((await seen()).length, 3)
  })

  test('what a gateway refused once is made once', async () => {
    const { client: unlucky, seen } = through('refuse-once')
    const indexName = nameOf('refused once')
    const { id } = await unlucky.indexes.create({ indexName, models })
    assert.deepEqual((await named(indexName)).map((index) => index.id), [id])
    assert.equal((await seen()).length, 2)
  })

  test('an index whose answer was lost is made once, and the repetition is told its id', async () => {
    const { client: unlucky, seen } = through('lose-once')
    const indexName = nameOf('lost once')
    const { id } = await unlucky.indexes.create({ indexName, models })
    assert.deepEqual((await named(indexName)).map((index) => index.id), [id])
    assert.equal((await seen()).length, 2)
  })

  test('a task whose answer was lost is made once, and the repetition is told its id', async () => {
    const { index } = await own()
    const { client: unlucky } = through('lose-once')
    const { id } = await unlucky.tasks.create({ indexId: index, videoUrl: link('captioned.mp4') })
    const tasks = await bounded(await client.tasks.list({ indexId: index }))
    assert.equal(tasks.length, 3)
    assert.ok(tasks.some((task) => task.id === id))
    await client.tasks.waitForDone(id, { sleepInterval: 0.1 })
    await client.tasks.delete(id)
  })

  test('a deletion whose answer was lost is done', async () => {
    const indexName = nameOf('lost deletion')
    const { id } = await client.indexes.create({ indexName, models })
    const { client: unlucky } = through('lose-once')
    await unlucky.indexes.delete(id).catch((error) => assert.equal(error.statusCode, 404))
    assert.deepEqual(await named(indexName), [])
  })
})
