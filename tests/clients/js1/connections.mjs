// The bridge: an integration is a connection, from which the newest versions import a bucket's objects.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, NOBODY, waitUntil, world } from '../shared.mjs'
import { client, refused } from './client.mjs'

group('connections', () => {
  test('an integration is a connection', async () => {
    const { data } = await client.dataConnectors.listConnections({ pageLimit: 50 })
    assert.ok(data.some((connection) => connection.id === world.integration))
    const told = await client.dataConnectors.retrieveConnection(world.integration)
    assert.deepEqual([told.provider, told.status], ['aws_s3', 'active'])
    await refused(client.dataConnectors.retrieveConnection(NOBODY), 404, 'resource_not_exists')
  })
})

group('bridge', () => {
  test('objects of a bucket become assets', async () => {
    const items = [{ sourceId: 'captioned.mp4' }, { sourceId: 'no-such-object.mp4' }]
    const made = await client.imports.importFiles(world.integration, { items })
    assert.deepEqual(made.items.map((item) => item.sourceId), ['captioned.mp4', 'no-such-object.mp4'])
    const [good, bad] = made.items
    assert.deepEqual([bad.action, bad.error.code], ['rejected', 'source_unavailable'])
    await waitUntil(async () => (await client.assets.retrieve(good.assetId)).status === 'ready', 'it is an asset')
    const again = await client.imports.importFiles(world.integration, { items: items.slice(0, 1) })
    assert.deepEqual([again.items[0].action, again.items[0].assetId], ['skipped', good.assetId])
    const detail = await client.imports.retrieveImport(world.integration, made.id)
    assert.ok(detail.items.some((item) => item.assetId === good.assetId))
  })
})
