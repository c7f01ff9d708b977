// What goes wrong comes as the client's own classes, with Telecine's codes and words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientAt, group, NOBODY, sdk, world } from '../shared.mjs'
import { client, refused } from './client.mjs'

group('errors', () => {
  test('a wrong key opens nothing', () =>
    refused(clientAt(`${world.url}/v1.3`, 'tlk_wrong').indexes.list(), 401, 'api_key_invalid'))

  test('what is not there is told as such', async () => {
    const index = world.films.index
    const { videos } = client.indexes
    const calls = [
      () => client.indexes.retrieve(NOBODY),
      () => client.indexes.update(NOBODY, { indexName: 'a' }),
      () => client.indexes.delete(NOBODY),
      () => client.tasks.retrieve(NOBODY),
      () => client.tasks.delete(NOBODY),
      () => videos.retrieve(index, NOBODY),
      () => videos.update(index, NOBODY, { userMetadata: { a: 1 } }),
      () => videos.delete(index, NOBODY),
      () => client.tasks.create({ indexId: NOBODY, videoUrl: 'http://127.0.0.1/a.mp4' }),
    ]
    for (const call of calls) await refused(call(), 404, 'resource_not_exists')
  })

  test('wrong parameters are named, in the class that the client has for it', async () => {
    await assert.rejects(client.indexes.retrieve('not-an-id'), (error) => {
      assert.ok(error instanceof sdk.TwelvelabsApi.BadRequestError)
      return JSON.stringify(error.body).includes('not-an-id')
    })
    for (const pageLimit of [0, 51]) await refused(client.indexes.list({ pageLimit }), 400, 'parameter_invalid')
  })
})
