// Text about a video. What it says is the model's; that it belongs to the video is tested.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, NOBODY, sdk, speech } from '../shared.mjs'
import { client, own } from './client.mjs'

// How long the reading is, and a second more for whole seconds.
const END_S = 46
const prompt = 'What is said?'

group('gist_summarize', () => {
  test('a gist has what was asked for', async () => {
    const gist = await client.generate.gist(speech, ['title', 'topic', 'hashtag'])
    assert.ok(gist.id && gist.title && gist.topics.length && gist.hashtags.length)
    const only = await client.generate.gist(speech, ['title'])
    assert.ok(only.title && !only.topics?.length && !only.hashtags?.length)
  })

  test('a summary is a text, chapters and highlights lie inside the video', async () => {
    assert.ok((await client.generate.summarize(speech, 'summary')).summary)
    const { chapters } = await client.generate.summarize(speech, 'chapter')
    assert.deepEqual(chapters.map((chapter) => chapter.chapterNumber), [...chapters.keys()])
    const { highlights } = await client.generate.summarize(speech, 'highlight')
    assert.ok(highlights.length)
    for (const { start, end } of [...chapters, ...highlights]) assert.ok(start >= 0 && start < end && end <= END_S)
  })
})

group('generate', () => {
  test('text is generated, or refused where the index has no engine for it', async () => {
    const told = await client.generate.text(speech, prompt, 0)
    assert.ok(told.id && told.data)
    await assert.rejects(client.generate.text(NOBODY, prompt), sdk.NotFoundError)
    const { uploaded } = await own()
    const { videoId } = await client.task.retrieve(uploaded.id)
    await assert.rejects(client.generate.text(videoId, prompt), (error) => {
      return error.body.code === 'index_not_supported_for_generate'
    })
  })
})

group('generate_stream', () => {
  test('text streams to its end', async () => {
    const stream = await client.generate.textStream({ videoId: speech, prompt, temperature: 0 })
    const pieces = await bounded(stream)
    assert.ok(pieces.length)
    assert.equal(stream.aggregatedText, pieces.join(''))
    assert.ok(stream.aggregatedText.trim())
  })
})
