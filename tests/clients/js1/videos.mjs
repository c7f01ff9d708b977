// Videos: what was measured, what users add, what was said.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, speech, trailer, version, world } from '../shared.mjs'
import { client, own, refused } from './client.mjs'

const films = world.films.index
const { videos } = client.indexes
const list = async (index, chosen) => bounded(await videos.list(index, chosen))

// Later versions take only ranges; they leave a bare number out of the request.
const exactly = (number) => (version === '1.0.2' ? number : { gte: number, lte: number })

group('videos', () => {
  test('videos are listed with what was measured', async () => {
    const ids = Object.fromEntries((await list(films)).map((video) => [video.systemMetadata.filename, video.id]))
    assert.deepEqual(ids, world.films.videos)
    const { systemMetadata: one } = await videos.retrieve(films, speech)
    assert.deepEqual([one.width, one.height, one.size], [848, 360, 2564092])
  })

  test('pages of videos end', async () => {
    const found = (await list(films, { pageLimit: 1 })).map((video) => video.id)
    assert.deepEqual(found.sort(), [speech, trailer].sort())
    assert.deepEqual(await list(films, { page: 99 }), [])
  })

  test('videos are filtered', async () => {
    const wanted = [
      [{ filename: 'speech.mp4' }, [speech]],
      [{ width: exactly(848) }, [speech]],
      [{ size: exactly(2564092) }, [speech]],
      [{ duration: exactly(1.5) }, []],
      [{ createdAt: '2099-01-01T00:00:00Z' }, []],
    ]
    for (const [chosen, ids] of wanted) {
      assert.deepEqual((await list(films, chosen)).map((video) => video.id), ids, JSON.stringify(chosen))
    }
  })

  test('what was said comes along', async () => {
    const { transcription } = await videos.retrieve(films, speech, { transcription: true })
    assert.match(transcription.map((line) => line.value).join(' '), /season of light/i)
  })

  test('users put their own fields on videos', async () => {
    const { index, linked } = await own()
    const { videoId } = await client.tasks.retrieve(linked)
    const told = async () => (await videos.retrieve(index, videoId)).userMetadata
    assert.deepEqual(await told(), { reader: 'librivox', chapter: 1 })
    await videos.update(index, videoId, { userMetadata: { chapter: 2, isGood: true } })
    assert.deepEqual(await told(), { reader: 'librivox', chapter: 2, isGood: true })
    for (const userMetadata of [{ reader: 'librivox' }, { chapter: 2 }, { isGood: true }]) {
      const found = await list(index, { userMetadata })
      assert.deepEqual(found.map((video) => video.id), [videoId], JSON.stringify(userMetadata))
    }
    assert.deepEqual(await list(index, { userMetadata: { reader: 'nobody' } }), [])
    await videos.update(index, videoId, { userMetadata: { isGood: null } })
    assert.ok(!('isGood' in (await told())))
    await refused(videos.update(index, videoId, { userMetadata: { duration: 1 } }), 400, 'parameter_invalid')
  })

  test('a video of another index is not there', async () => {
    const { index } = await own()
    await refused(videos.retrieve(index, speech), 404, 'resource_not_exists')
  })
})
