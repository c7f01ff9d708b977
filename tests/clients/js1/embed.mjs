// Embeddings of text and pictures; of videos by tasks; and the second form.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { bounded, group, link, NOBODY, sample, version } from '../shared.mjs'
import { client, refused } from './client.mjs'

const modelName = version === '1.0.2' ? 'Marengo-retrieval-2.7' : 'marengo3.0'
const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0)
const likeness = (a, b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))

group('embed', () => {
  test('texts and pictures have vectors; what means the same is near', async () => {
    const embed = async (text) => (await client.embed.create({ modelName, text })).textEmbedding.segments[0].float
    const bicycle = await embed('a man on a bicycle')
    assert.ok(likeness(bicycle, await embed('somebody rides a bike')) > likeness(bicycle, await embed('a bowl of soup')))
    const imageFile = fs.createReadStream(sample('speech.jpg'))
    const byFile = (await client.embed.create({ modelName, imageFile })).imageEmbedding.segments[0].float
    const byUrl = (await client.embed.create({ modelName, imageUrl: link('speech.jpg') })).imageEmbedding.segments[0].float
    assert.ok(likeness(byFile, byUrl) > 0.999)
  })
})

group('embed_tasks', () => {
  test('a video is embedded clip by clip', async () => {
    const wanted = { modelName, videoUrl: link('short.mp4'), videoClipLength: 3, videoEmbeddingScope: ['clip'] }
    const { id } = await client.embed.tasks.create(wanted)
    assert.equal((await client.embed.tasks.waitForDone(id, { sleepInterval: 0.1 })).status, 'ready')
    const { segments } = (await client.embed.tasks.retrieve(id)).videoEmbedding
    assert.deepEqual([...new Set(segments.map((segment) => Math.round(segment.startOffsetSec)))], [0, 3])
    const listed = await bounded(await client.embed.tasks.list({ status: 'ready', pageLimit: 5 }))
    assert.ok(listed.some((task) => task.id === id))
    await refused(client.embed.tasks.retrieve(NOBODY), 404, 'resource_not_exists')
  })
})

group('embed_v2', () => {
  test('the second form tells the same vectors', async () => {
    const inputText = 'a man on a bicycle'
    const { data } = await client.embed.v2.create({ inputType: 'text', modelName, text: { inputText } })
    const first = (await client.embed.create({ modelName, text: inputText })).textEmbedding.segments[0].float
    assert.ok(likeness(data[0].embedding, first) > 0.999)
  })
})
