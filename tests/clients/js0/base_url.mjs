// The base URL is all that a user changes.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, world } from '../shared.mjs'
import { client } from './client.mjs'

group('base_url', () => {
  test('the bare host is enough', async () => {
    const found = await client.index.list({ name: 'films' })
    assert.deepEqual(found.map((index) => index.id), [world.films.index])
  })
})
