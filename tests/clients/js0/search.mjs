// Search by text: what is found, in which order, on which page.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, pagesAfter, sdk, speech, trailer, world } from '../shared.mjs'
import { client, isV13, said, written } from './client.mjs'

const indexId = world.films.index
const everything = { indexId, queryText: 'a film', options: [...new Set(['visual', said, written])], threshold: 'none' }
const all = async (first) => [...first.data, ...(await bounded(pagesAfter(first)))]
const spot = (clip) => [clip.videoId, clip.start, clip.end]

group('search', () => {
  test('what is said, seen and written is found', async () => {
    const asked = { indexId, queryText: 'the season of light', options: [said] }
    const result = await client.search.query(asked)
    assert.equal(result.data[0].videoId, speech)
    assert.deepEqual([result.pool.indexId, result.pool.totalCount], [indexId, 2])
    const title = await client.search.query({ indexId, queryText: 'big buck bunny', options: [written] })
    assert.equal(title.data[0].videoId, trailer)
    const street = { indexId, queryText: 'bicycles in a street', options: ['visual'], threshold: 'none' }
    assert.equal((await client.search.query(street)).data[0].videoId, speech)
    if (!isV13) {
      // Goes out as JSON, and finds the same.
      const byJson = await client.search.query({ indexId, query: 'the season of light', options: [said] })
      assert.deepEqual(byJson.data.map(spot), result.data.map(spot))
    }
  })

  test('pages follow each other to the end', async () => {
    const first = await client.search.query({ ...everything, pageLimit: 2 })
    const total = first.pageInfo.totalResults
    // 0.2 pages a search that was multipart through `/search/{token}`.
    const second = await client.search.byPageToken(first.pageInfo.nextPageToken)
    const found = (await all(first)).map(spot)
    assert.equal(found.length, total)
    assert.equal(new Set(found.map(String)).size, total)
    assert.deepEqual(second.data.map(spot), found.slice(2, 4))
    await assert.rejects(client.search.byPageToken('0f7a2c1e-1111-4222-8333-444455556666-1'), (error) => {
      assert.ok(error instanceof sdk.BadRequestError)
      return error.body.code === 'search_page_token_expired'
    })
  })

  test('clips are grouped by video', async () => {
    const videos = await all(await client.search.query({ ...everything, groupBy: 'video', pageLimit: 1 }))
    assert.deepEqual(videos.map((video) => video.id).sort(), [speech, trailer].sort())
    assert.ok(videos.every((video) => video.clips.every((clip) => clip.videoId === video.id)))
  })

  test('a filter leaves only its videos', async () => {
    for (const filter of [{ id: [speech] }, { width: { gte: 848, lte: 848 } }, { filename: 'speech.mp4' }]) {
      const found = await all(await client.search.query({ ...everything, filter }))
      assert.deepEqual([...new Set(found.map((clip) => clip.videoId))], [speech], JSON.stringify(filter))
    }
    const odd = client.search.query({ ...everything, filter: { width: { near: 5 } } })
    await assert.rejects(odd, (error) => error.body.code === 'search_filter_invalid')
  })

  test('an option that the index has not is refused', async () => {
    const odd = client.search.query({ ...everything, options: ['logo'] })
    await assert.rejects(odd, (error) => error.body.code === 'search_option_not_supported')
  })
})
