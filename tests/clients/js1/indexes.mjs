// Indexes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, nameOf, world } from '../shared.mjs'
import { client, models, refused } from './client.mjs'

group('indexes', () => {
  test('an index is made, found, renamed and deleted', async () => {
    const indexName = nameOf('harbour')
    const { id } = await client.indexes.create({ indexName, models })
    const index = await client.indexes.retrieve(id)
    assert.equal(index.indexName, indexName)
    assert.deepEqual(index.models.map((model) => [model.modelName, [...model.modelOptions].sort()]), [
      ['marengo3.0', ['audio', 'visual']],
    ])
    assert.deepEqual([index.videoCount, index.totalDuration], [0, 0])
    const found = await bounded(await client.indexes.list({ indexName }))
    assert.deepEqual(found.map((known) => known.id), [id])
    await refused(client.indexes.create({ indexName, models }), 400, 'index_name_already_exists')
    await client.indexes.update(id, { indexName: `${indexName} at night` })
    assert.equal((await client.indexes.retrieve(id)).indexName, `${indexName} at night`)
    await client.indexes.delete(id)
    await refused(client.indexes.retrieve(id), 404, 'resource_not_exists')
  })

  test('pages of indexes end and hold each index once', async () => {
    const made = []
    for (const n of [0, 1, 2]) made.push((await client.indexes.create({ indexName: nameOf(`page ${n}`), models })).id)
    let found
    // Other clients make and delete indexes meanwhile.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      found = (await bounded(await client.indexes.list({ pageLimit: 2 }))).map((index) => index.id)
      if (new Set(found).size === found.length && made.every((id) => found.includes(id))) break
    }
    assert.equal(new Set(found).size, found.length)
    // Newest first.
    assert.deepEqual(found.filter((id) => made.includes(id)), [...made].reverse())
    assert.deepEqual(await bounded(await client.indexes.list({ page: 999 })), [])
  })

  test('indexes are filtered', async () => {
    const wanted = [
      [{ modelOptions: 'visual,audio' }, 1],
      [{ modelFamily: 'pegasus' }, 1],
      [{ createdAt: '2020-01-01T00:00:00Z' }, 1],
      [{ createdAt: '2099-01-01T00:00:00Z' }, 0],
    ]
    for (const [chosen, count] of wanted) {
      const found = await bounded(await client.indexes.list({ indexName: 'films', ...chosen }))
      assert.deepEqual(found.map((index) => index.id), count ? [world.films.index] : [], JSON.stringify(chosen))
    }
  })
})
