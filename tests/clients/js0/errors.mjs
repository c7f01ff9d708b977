// What goes wrong comes as the client's own classes, with Telecine's codes and words.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientAt, failing, group, NOBODY, sdk, world } from '../shared.mjs'
import { client } from './client.mjs'

group('errors', () => {
  test('a wrong key opens nothing', async () => {
    const stranger = clientAt(world.url, 'tlk_wrong')
    await assert.rejects(stranger.index.list(), (error) => {
      assert.ok(error instanceof sdk.UnauthorizedError)
      return error.body.code === 'api_key_invalid'
    })
  })

  test('what is not there is told as such', async () => {
    const index = world.films.index
    const calls = [
      () => client.index.retrieve(NOBODY),
      () => client.index.update(NOBODY, 'a'),
      () => client.index.delete(NOBODY),
      () => client.task.retrieve(NOBODY),
      () => client.task.delete(NOBODY),
      () => client.index.video.retrieve(index, NOBODY),
      () => client.index.video.delete(index, NOBODY),
      () => client.task.create({ indexId: NOBODY, url: 'http://127.0.0.1/a.mp4' }),
    ]
    for (const call of calls) {
      await assert.rejects(call(), (error) => {
        assert.ok(error instanceof sdk.NotFoundError, `${call}: ${error}`)
        return error.body.code === 'resource_not_exists'
      })
    }
  })

  test('wrong parameters are named', async () => {
    await assert.rejects(client.index.retrieve('not-an-id'), (error) => {
      assert.ok(error instanceof sdk.BadRequestError)
      return JSON.stringify(error.body).includes('not-an-id')
    })
    for (const pageLimit of [-1, 51]) await assert.rejects(client.index.list({ pageLimit }), sdk.BadRequestError)
  })

  test('a busy or broken server is told as such, and is asked once', async () => {
    const modes = { busy: sdk.TooManyRequestsError, 'busy-wordless': sdk.TooManyRequestsError, broken: sdk.InternalServerError }
    for (const [mode, kind] of Object.entries(modes)) {
      const { url, seen } = failing(mode)
      await assert.rejects(clientAt(url).index.list(), kind, mode)
      assert.equal((await seen()).length, 1)
    }
  })
})
