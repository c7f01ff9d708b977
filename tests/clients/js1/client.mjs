// What the tests of JavaScript clients 1.x share: the client, an index of its own.

import fs from 'node:fs'
import assert from 'node:assert/strict'
import { clientAt, link, nameOf, once, sample, world } from '../shared.mjs'

// The only one that the newest client lets through.
export const models = [{ modelName: 'marengo3.0', modelOptions: ['visual', 'audio'] }]

export const client = clientAt(`${world.url}/v1.3`)

// Two ways into one index: an upload, and a direct link. All are ids.
export const own = once(async () => {
  const index = (await client.indexes.create({ indexName: nameOf('own'), models, addons: ['thumbnail'] })).id
  const videoFile = fs.createReadStream(sample('captioned.mp4'))
  const uploaded = (await client.tasks.create({ indexId: index, videoFile })).id
  const userMetadata = JSON.stringify({ reader: 'librivox', chapter: 1 })
  const linked = (await client.tasks.create({ indexId: index, videoUrl: link('short.mp4'), userMetadata })).id
  const seen = []
  await client.tasks.waitForDone(uploaded, { sleepInterval: 0.1, callback: (task) => seen.push(task.status) })
  await client.tasks.waitForDone(linked, { sleepInterval: 0.1 })
  return { index, uploaded, linked, seen }
})

// Holds a call to the status and the code of its refusal.
export async function refused(call, status, code) {
  await assert.rejects(call, (error) => {
    assert.deepEqual([error.statusCode, error.body?.code], [status, code], String(error))
    return true
  })
}
