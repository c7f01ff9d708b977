// Embeddings of text, and of videos by tasks.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, link, NOBODY, sdk } from '../shared.mjs'
import { client, isV13 } from './client.mjs'

const model = isV13 ? 'Marengo-retrieval-2.7' : 'Marengo-retrieval-2.6'
const named = { [isV13 ? 'modelName' : 'engineName']: model }

function likeness(a, b) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}

group('embed', () => {
  test('texts that mean the same are near', async () => {
    const embed = async (text) => {
      const { textEmbedding } = await client.embed.create({ ...named, text, textTruncate: 'end' })
      return textEmbedding.segments?.[0].float ?? textEmbedding.segments?.[0].embeddingsFloat ?? textEmbedding.float
    }
    const [bicycle, bike, soup] = [
      await embed('a man on a bicycle'),
      await embed('somebody rides a bike'),
      await embed('a bowl of tomato soup'),
    ]
    assert.ok(bicycle.length > 100)
    assert.ok(likeness(bicycle, bike) > likeness(bicycle, soup))
  })
})

group('embed_tasks', () => {
  test('a video is embedded clip by clip', async () => {
    const task = await client.embed.task.create(model, { url: link('short.mp4'), clipLength: 3 })
    assert.equal(await task.waitForDone(100), 'ready')
    assert.equal((await client.embed.task.status(task.id)).status, 'ready')
    const told = await client.embed.task.retrieve(task.id)
    const segments = told.videoEmbedding?.segments ?? told.videoEmbeddings
    assert.deepEqual(segments.map((segment) => Math.round(segment.startOffsetSec)), [0, 3])
    await assert.rejects(client.embed.task.retrieve(NOBODY), sdk.NotFoundError)
  })
})
