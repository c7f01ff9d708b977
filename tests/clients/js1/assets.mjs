// Assets, by file, by URL and in parts; and assets in an index.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { bounded, group, link, nameOf, sample, waitUntil } from '../shared.mjs'
import { client, models, refused } from './client.mjs'

// The asset, when it is there.
async function ready(id) {
  await waitUntil(async () => (await client.assets.retrieve(id)).status !== 'processing', 'the asset is there')
  const asset = await client.assets.retrieve(id)
  assert.equal(asset.status, 'ready')
  return asset
}

group('assets', () => {
  test('an asset comes by file and by URL', async () => {
    const file = fs.createReadStream(sample('short.mp4'))
    const byFile = await client.assets.create({ method: 'direct', file, filename: 'by-file.mp4' })
    const byUrl = await client.assets.create({ method: 'url', url: link('short.mp4'), filename: 'by-url.mp4' })
    assert.deepEqual([(await ready(byFile.id)).filename, (await ready(byUrl.id)).filename], ['by-file.mp4', 'by-url.mp4'])
    const found = await bounded(await client.assets.list({ assetIds: [byFile.id, byUrl.id], pageLimit: 1 }))
    assert.deepEqual(found.map((asset) => asset.id).sort(), [byFile.id, byUrl.id].sort())
    await client.assets.delete(byFile.id)
    await refused(client.assets.retrieve(byFile.id), 404, 'resource_not_exists')
  })
})

group('multipart', () => {
  test('an asset comes in parts', async () => {
    const progress = []
    const progressCallback = (told) => progress.push(told.percentage)
    const result = await client.multipartUpload.uploadFile(sample('trailer.mp4'), { progressCallback, retryDelay: 100 })
    assert.equal((await ready(result.assetId)).method, 'multipart')
    assert.ok(result.assetUrl)
    assert.equal(progress.at(-1), 100)
  })
})

group('indexed_assets', () => {
  test('an asset is indexed and is a video', async () => {
    const { id: index } = await client.indexes.create({ indexName: nameOf('assets'), models })
    const asset = await client.assets.create({ method: 'url', url: link('short.mp4') })
    await ready(asset.id)
    const { indexedAssets } = client.indexes
    const { id } = await indexedAssets.create(index, { assetId: asset.id })
    const isDone = async () => ['ready', 'failed'].includes((await indexedAssets.retrieve(index, id)).status)
    await waitUntil(isDone, 'indexed')
    const told = await indexedAssets.retrieve(index, id, { transcription: true })
    assert.deepEqual([told.status, told.assetId], ['ready', asset.id])
    await indexedAssets.update(index, id, { userMetadata: { category: 'reading' } })
    // The client sends this filter as JSON.
    const list = async (chosen) => (await bounded(await indexedAssets.list(index, chosen))).map((found) => found.id)
    assert.deepEqual(await list({ userMetadata: { category: 'reading' } }), [id])
    assert.deepEqual(await list({ userMetadata: { category: 'none' } }), [])
    assert.deepEqual(await list({ status: ['ready'], pageLimit: 1 }), [id])
    await assert.rejects(client.assets.delete(asset.id), (error) => error.statusCode === 409)
    await client.indexes.delete(index)
  })
})
