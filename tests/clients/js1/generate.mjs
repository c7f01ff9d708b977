// Text about a video. What it says is the model's; that it belongs to the video is tested.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, NOBODY, speech, version, waitUntil, world } from '../shared.mjs'
import { client, own } from './client.mjs'

// How long the reading is, and a second more for whole seconds.
const END_S = 46
const prompt = 'What is said?'
// 1.3.4 knows only assets.
const asset = (assetId) => ({ video: { type: 'asset_id', assetId } })
const about = (id) => (version === '1.3.4' ? asset(id === speech ? world.films.asset : id) : { videoId: id })

group('gist_summarize', () => {
  test('a gist has what was asked for, chapters and highlights lie inside the video', async () => {
    const gist = await client.gist({ videoId: speech, types: ['title', 'topic', 'hashtag'] })
    assert.ok(gist.id && gist.title && gist.topics.length && gist.hashtags.length)
    assert.ok((await client.summarize({ videoId: speech, type: 'summary' })).summary)
    const { chapters } = await client.summarize({ videoId: speech, type: 'chapter' })
    const { highlights } = await client.summarize({ videoId: speech, type: 'highlight' })
    assert.deepEqual(chapters.map((chapter) => chapter.chapterNumber), [...chapters.keys()])
    assert.ok(highlights.length)
    for (const { startSec, endSec } of [...chapters, ...highlights]) {
      assert.ok(startSec >= 0 && startSec < endSec && endSec <= END_S)
    }
  })
})

group('analyze', () => {
  test('a video is analyzed, at once and streamed', async () => {
    const told = await client.analyze({ ...about(speech), prompt, temperature: 0 })
    assert.ok(told.id && told.data.trim())
    const events = await bounded(await client.analyzeStream({ ...about(speech), prompt, temperature: 0 }))
    assert.equal(events[0].eventType, 'stream_start')
    assert.equal(events.at(-1).eventType, 'stream_end')
    assert.ok(events.map((event) => event.text ?? '').join('').trim())
  })

  test('what cannot be written about is refused', async () => {
    await assert.rejects(client.analyze({ ...about(NOBODY), prompt }), (error) => [400, 404].includes(error.statusCode))
    if (version === '1.3.4') return
    const { uploaded } = await own()
    const { videoId } = await client.tasks.retrieve(uploaded)
    const odd = client.analyze({ ...about(videoId), prompt })
    await assert.rejects(odd, (error) => /index_not_supported_for_generate/.test(JSON.stringify(error.body)))
  })
})

group('analyze_async', () => {
  test('an analysis is made by a task', async () => {
    const { tasks } = client.analyzeAsync
    const { taskId } = await tasks.create({ ...asset(world.films.asset), prompt, temperature: 0 })
    const isDone = async () => ['ready', 'failed'].includes((await tasks.retrieve(taskId)).status)
    await waitUntil(isDone, 'analyzed', 120_000)
    assert.ok((await tasks.retrieve(taskId)).result.data.trim())
    await tasks.delete(taskId)
  })
})
