// Videos: what was measured, what users add, what was said and written.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, pagesAfter, raw, sdk, speech, trailer, world } from '../shared.mjs'
import { client, measured, metadata, own, prefix } from './client.mjs'

const films = world.films.index

group('videos', () => {
  test('videos are listed with what was measured', async () => {
    const videos = await client.index.video.list(films)
    const ids = Object.fromEntries(videos.map((video) => [measured(video).filename, video.id]))
    assert.deepEqual(ids, world.films.videos)
    const one = measured(await client.index.video.retrieve(films, speech))
    assert.deepEqual([one.width, one.height, one.size], [848, 360, 2564092])
    assert.ok(one.fps > 10)
  })

  test('pages of videos end', async () => {
    const first = await client.index.video.listPagination(films, { pageLimit: 1 })
    const found = [...first.data, ...(await bounded(pagesAfter(first)))].map((video) => video.id)
    assert.deepEqual([...found].sort(), [speech, trailer].sort())
    assert.deepEqual(await client.index.video.list(films, { page: 99 }), [])
  })

  test('videos are filtered', async () => {
    const future = { gte: '2099-01-01T00:00:00Z' }
    const wanted = [
      [{ filename: 'speech.mp4' }, ['speech.mp4']],
      [{ duration: { lte: 50 } }, ['speech.mp4']],
      [{ width: 848 }, ['speech.mp4']],
      [{ fps: { gte: 1000 } }, []],
      [{ createdAt: future }, []],
    ]
    for (const [chosen, names] of wanted) {
      const found = await client.index.video.list(films, chosen)
      assert.deepEqual(found.map((video) => measured(video).filename), names, JSON.stringify(chosen))
    }
    // The client sends `[object Object]` for such a filter: nobody can know what was meant, and nothing breaks.
    assert.equal((await client.index.video.list(films, metadata({ reader: 'nobody' }))).length, 2)
  })

  test('users put their own fields on videos', async () => {
    const { index } = await own()
    const [video] = await client.index.video.list(index.id, { filename: 'short.mp4' })
    await video.update(metadata({ reader: 'librivox', chapter: 1 }))
    const told = await raw('GET', `${prefix}/indexes/${index.id}/videos/${video.id}`)
    assert.deepEqual(told.user_metadata, { reader: 'librivox', chapter: 1 })
    await assert.rejects(video.update(metadata({ duration: 1 })), sdk.BadRequestError)
  })

  test('a video of another index is not there', async () => {
    const { index } = await own()
    await assert.rejects(client.index.video.retrieve(index.id, speech), sdk.NotFoundError)
  })
})

group('transcription', () => {
  test('what is said and written is told', async () => {
    const text = (await client.index.video.transcription(films, speech)).map((line) => line.value).join(' ')
    assert.match(text, /season of light/i)
    const seen = await client.index.video.textInVideo(films, trailer)
    assert.ok(seen.some((line) => /bunny/i.test(line.value)), JSON.stringify(seen))
  })

  test('a thumbnail is a picture', async () => {
    // The client sends `time=[object Object]`: as if there were none.
    for (const time of [undefined, 3]) {
      const picture = await fetch(await client.index.video.thumbnail(films, trailer, time))
      assert.equal(picture.headers.get('content-type'), 'image/jpeg')
    }
  })
})
