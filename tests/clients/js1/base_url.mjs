// The base URL is all that a user changes: with the version and without it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, clientAt, group, speech, trailer, world } from '../shared.mjs'

group('base_url', () => {
  for (const ending of ['/v1.3', '/v1.3/', '', '/']) {
    test(`the server's address and "${ending}" lead to the same index`, async () => {
      const client = clientAt(world.url + ending)
      const index = await client.indexes.retrieve(world.films.index)
      assert.deepEqual(index.models.map((model) => model.modelName).sort(), ['marengo2.6', 'pegasus1.1'])
      const videos = await bounded(await client.indexes.videos.list(world.films.index))
      assert.deepEqual(videos.map((video) => video.id).sort(), [speech, trailer].sort())
    })
  }
})
