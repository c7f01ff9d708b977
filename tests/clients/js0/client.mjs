// What the tests of JavaScript clients 0.x share: the client, the names of its API version, an index of its own.

import { clientAt, link, nameOf, once, sample, version, world } from '../shared.mjs'

// Up to 0.2 the client speaks v1.2, in 0.4 v1.3.
export const isV13 = version.startsWith('0.4')
export const prefix = isV13 ? '/v1.3' : '/v1.2'
export const said = isV13 ? 'audio' : 'conversation'
export const written = isV13 ? 'visual' : 'text_in_video'
export const engine = isV13
  ? { name: 'marengo2.7', options: ['visual', 'audio'] }
  : { name: 'marengo2.6', options: ['visual', 'conversation', 'text_in_video'] }
export const engines = { [isV13 ? 'models' : 'engines']: [engine] }
export const measured = (of) => (isV13 ? of.systemMetadata : of.metadata)
export const metadata = (values) => ({ [isV13 ? 'userMetadata' : 'metadata']: values })

export const client = clientAt(world.url)

// Two ways into one index: an upload, and a direct link.
export const own = once(async () => {
  const index = await client.index.create({ name: nameOf('own'), addons: ['thumbnail'], ...engines })
  // Captions come by manifest: 0.2.8 breaks on `transcriptionFile` before it asks anybody.
  const uploaded = await client.task.create({ indexId: index.id, file: sample('captioned.mp4') })
  const linked = await client.task.create({ indexId: index.id, url: link('short.mp4') })
  const seen = []
  await uploaded.waitForDone(100, (task) => seen.push(task.status))
  await linked.waitForDone(100)
  return { index, uploaded, linked, seen }
})
