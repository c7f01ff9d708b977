// Search by text: what is found, in which order, on which page. Its iterators fetch page after page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, speech, trailer, world } from '../shared.mjs'
import { client, refused } from './client.mjs'

const indexId = world.films.index
const everything = { indexId, queryText: 'a film', searchOptions: ['visual', 'audio'] }
const all = async (asked) => bounded(await client.search.query(asked))
const spot = (clip) => [clip.videoId, clip.start, clip.end]

group('search', () => {
  test('what is said, seen and written is found', async () => {
    const wanted = [
      ['the season of light', 'audio', speech],
      ['big buck bunny', 'visual', trailer],
      ['bicycles in a street', 'visual', speech],
    ]
    for (const [queryText, option, video] of wanted) {
      const [best] = await all({ indexId, queryText, searchOptions: [option] })
      assert.deepEqual([best.videoId, best.rank], [video, 1], queryText)
    }
  })

  test('iteration ends and brings each clip once', async () => {
    const found = (await all({ ...everything, pageLimit: 2 })).map(spot)
    assert.ok(found.length > 2)
    assert.equal(new Set(found.map(String)).size, found.length)
    const first = await client.search.create({ ...everything, pageLimit: 2 })
    assert.deepEqual([first.searchPool.totalCount, first.pageInfo.totalResults], [2, found.length])
    const second = await client.search.retrieve(first.pageInfo.nextPageToken)
    assert.deepEqual(second.data.map(spot), found.slice(2, 4))
    await refused(client.search.retrieve('0f7a2c1e-1111-4222-8333-444455556666-1'), 400, 'search_page_token_expired')
  })

  test('clips are grouped by video', async () => {
    const videos = await all({ ...everything, groupBy: 'video', pageLimit: 1 })
    assert.ok(videos.length > 0)
    assert.equal(new Set(videos.map((video) => video.id)).size, videos.length)
    assert.ok(videos.every((video) => video.clips.length > 0))
  })

  test('a filter leaves only its videos', async () => {
    for (const filter of [{ id: [speech] }, { width: { gte: 848, lte: 848 } }, { filename: 'speech.mp4' }]) {
      const found = await all({ ...everything, filter: JSON.stringify(filter) })
      assert.deepEqual([...new Set(found.map((clip) => clip.videoId))], [speech], JSON.stringify(filter))
    }
    const odd = JSON.stringify({ width: { near: 5 } })
    await refused(client.search.create({ ...everything, filter: odd }), 400, 'search_filter_invalid')
  })
})
