// Search by a picture.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import { test } from 'node:test'
import { bounded, group, link, sample, world } from '../shared.mjs'
import { client, refused } from './client.mjs'

const asked = { indexId: world.films.index, queryMediaType: 'image', searchOptions: ['visual'] }
const all = async (by) => bounded(await client.search.query({ ...asked, ...by }))

group('image_search', () => {
  for (const name of ['trailer', 'speech']) {
    test(`a picture of ${name}.mp4 finds it`, async () => {
      const byFile = await all({ queryMediaFile: fs.createReadStream(sample(`${name}.jpg`)) })
      const byUrl = await all({ queryMediaUrl: link(`${name}.jpg`) })
      const [best] = byFile
      assert.equal(best.videoId, world.films.videos[`${name}.mp4`])
      // The picture was taken at 20 s. The street scenes come again and again.
      if (name === 'trailer') assert.ok(best.start <= 21 && best.end >= 19, JSON.stringify(best))
      const spots = (clips) => clips.map((clip) => [clip.videoId, clip.start])
      assert.deepEqual(spots(byFile), spots(byUrl))
    })
  }

  test('what is no picture is refused', () =>
    refused(
      client.search.create({ ...asked, queryMediaFile: fs.createReadStream(sample('notes.txt')) }),
      400,
      'parameter_invalid',
    ))
})
