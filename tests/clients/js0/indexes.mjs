// Engines and indexes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, nameOf, NOBODY, pagesAfter, sdk, world } from '../shared.mjs'
import { client, engine, engines, isV13, said } from './client.mjs'

group('engines', () => {
  test('engines are told', async () => {
    const names = (await client.engine.list()).map((known) => known.id)
    assert.ok(names.includes('marengo2.6') && names.includes('pegasus1.1'), names)
    const one = await client.engine.retrieve('marengo2.6')
    assert.equal(one.ready, true)
    assert.ok(one.allowedEngineOptions.includes('conversation'))
    await assert.rejects(client.engine.retrieve('harbour9'), sdk.NotFoundError)
  })
})

group('indexes', () => {
  test('an index is made, found, renamed and deleted', async () => {
    const name = nameOf('harbour')
    const index = await client.index.create({ name, ...engines })
    assert.equal(index.name, name)
    const [only] = isV13 ? index.models : index.engines
    assert.deepEqual([only.name, [...only.options].sort()], [engine.name, [...engine.options].sort()])
    assert.deepEqual([index.videoCount, index.totalDuration], [0, 0])
    assert.deepEqual((await client.index.list({ name })).map((found) => found.id), [index.id])
    await assert.rejects(client.index.create({ name, ...engines }), (error) => {
      assert.ok(error instanceof sdk.BadRequestError)
      return error.body.code === 'index_name_already_exists'
    })
    await index.update(`${name} at night`)
    assert.equal((await client.index.retrieve(index.id)).name, `${name} at night`)
    await index.delete()
    await assert.rejects(client.index.retrieve(index.id), sdk.NotFoundError)
  })

  test('pages of indexes end and hold each index once', async () => {
    const made = []
    for (const n of [0, 1, 2]) made.push((await client.index.create({ name: nameOf(`page ${n}`), ...engines })).id)
    let found
    // Other clients make and delete indexes meanwhile.
    for (let attempt = 0; attempt < 10; attempt += 1) {
      const first = await client.index.listPagination({ pageLimit: 2 })
      found = [...first.data, ...(await bounded(pagesAfter(first)))].map((index) => index.id)
      if (new Set(found).size === found.length && made.every((id) => found.includes(id))) break
    }
    assert.equal(new Set(found).size, found.length)
    // Newest first.
    assert.deepEqual(found.filter((id) => made.includes(id)), [...made].reverse())
    assert.deepEqual(await client.index.list({ page: 999 }), [])
  })

  test('indexes are filtered', async () => {
    const films = await client.index.retrieve(world.films.index)
    const future = { gte: '2099-01-01T00:00:00Z' }
    const family = isV13 ? 'modelFamily' : 'engineFamily'
    const option = isV13 ? 'modelOptions' : 'engineOptions'
    const wanted = [
      [{ id: films.id }, 1],
      [{ id: NOBODY }, 0],
      [{ name: 'films', [family]: 'pegasus' }, 1],
      [{ name: 'films', [option]: [said] }, 1],
      [{ name: 'films', createdAt: { gte: films.createdAt, lte: films.createdAt } }, 1],
      [{ name: 'films', createdAt: future }, 0],
    ]
    for (const [chosen, count] of wanted) {
      const found = await client.index.list(chosen)
      assert.deepEqual(found.map((index) => index.id), count ? [films.id] : [], JSON.stringify(chosen))
    }
  })
})
