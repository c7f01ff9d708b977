// Search by a picture.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { group, link, sample, sdk, world } from '../shared.mjs'
import { client } from './client.mjs'

const asked = { indexId: world.films.index, queryMediaType: 'image', options: ['visual'], threshold: 'none' }

group('image_search', () => {
  for (const name of ['trailer', 'speech']) {
    test(`a picture of ${name}.mp4 finds it`, async () => {
      const byFile = await client.search.query({ ...asked, queryMediaFile: sample(`${name}.jpg`) })
      const byUrl = await client.search.query({ ...asked, queryMediaUrl: link(`${name}.jpg`) })
      const [best] = byFile.data
      assert.equal(best.videoId, world.films.videos[`${name}.mp4`])
      // The picture was taken at 20 s. The street scenes come again and again.
      if (name === 'trailer') assert.ok(best.start <= 21 && best.end >= 19, JSON.stringify(best))
      const spots = (result) => result.data.map((clip) => [clip.videoId, clip.start])
      assert.deepEqual(spots(byFile), spots(byUrl))
    })
  }

  test('what is no picture is refused', async () => {
    const odd = client.search.query({ ...asked, queryMediaFile: sample('notes.txt') })
    await assert.rejects(odd, sdk.BadRequestError)
  })
})
