// Cloud-to-cloud transfers: by manifest, and by import.

import assert from 'node:assert/strict'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { group, inImportTurn, nameOf, NOBODY, raw, sdk, waitUntil, world } from '../shared.mjs'
import { client, engines, measured } from './client.mjs'

const object = (name) => `s3://${world.bucket}/${name}`

function manifest(entries) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), 'telecine-')), 'manifest.json')
  fs.writeFileSync(file, JSON.stringify(entries))
  return fs.createReadStream(file)
}

group('transfer', () => {
  test('the objects of a manifest become videos or say why not', async () => {
    const index = await client.index.create({ name: nameOf('manifest'), ...engines })
    const entry = (name) => ({ index_id: index.id, language: 'en', object: object(name) })
    const captioned = { ...entry('captioned.mp4'), transcription: object('captioned.srt') }
    await client.task.transfer(manifest([captioned, entry('silent.mp4'), entry('small.mp4')]))
    const status = () => client.task.status(index.id)
    await waitUntil(async () => (await status()).ready + (await status()).failed === 3, 'all done')
    const codes = {}
    for (const task of (await raw('GET', `/v1.2/tasks?index_id=${index.id}`)).data) {
      codes[task.metadata.filename] = task.error?.code ?? task.status
    }
    assert.deepEqual(codes, {
      'captioned.mp4': 'ready',
      'silent.mp4': 'video_audio_track_not_exists',
      'small.mp4': 'video_resolution_too_low',
    })
    const [video] = await client.index.video.list(index.id)
    assert.deepEqual((await video.transcription()).map((line) => [line.start, line.end]), [[0.3, 2.2], [2.5, 5]])
    const [line] = await video.transcription({ start: 0, end: 1 })
    assert.equal(line.value, 'Good morning, meadow! Time to crawl out of bed.')
    await index.delete()
  })

  test('a bad entry rejects its manifest', async () => {
    const bad = manifest([{ index_id: NOBODY, language: 'en', object: object('captioned.mp4') }])
    await assert.rejects(client.task.transfer(bad), (error) => {
      assert.equal(error.body.code, 'resource_not_exists')
      return /entry 0 \(line 1/.test(error.message)
    })
  })
})

group('imports', () => {
  test('an import brings a bucket into an index', () =>
    inImportTurn(async () => {
      const { transfers } = client.task
      const integrationId = world.integration
      const index = await client.index.create({ name: nameOf('imported'), ...engines })
      const wanted = { integrationId, indexId: index.id, userMetadata: { batch: 5, place: 'harbour' } }
      const imported = await transfers.importVideos(wanted)
      const files = Object.fromEntries(imported.videos.map((video) => [video.filename, video.videoId]))
      assert.deepEqual(Object.keys(files).sort(), ['captioned.mp4', 'silent.mp4', 'small.mp4'])
      await assert.rejects(transfers.importVideos(wanted), (error) => error.body.code === 'import_in_progress')
      const logs = async () => (await transfers.importLogs(integrationId)).filter((log) => log.indexId === index.id)
      await waitUntil(async () => (await logs()).at(-1).endedAt, 'the import ended')
      const [log] = await logs()
      assert.deepEqual([log.videoStatus.ready, log.videoStatus.failed], [1, 2])
      assert.ok(log.failedFiles.every((file) => file.errorMessage))
      const status = await transfers.importStatus(integrationId, index.id)
      assert.deepEqual(status.ready.map((video) => video.filename), ['captioned.mp4'])
      assert.deepEqual(status.failed.map((video) => video.filename).sort(), ['silent.mp4', 'small.mp4'])
      assert.deepEqual([status.notImported, status.queued, status.indexing], [[], [], []])
      const video = await client.index.video.retrieve(index.id, files['captioned.mp4'])
      assert.equal(measured(video).filename, 'captioned.mp4')
      assert.deepEqual(video.userMetadata, { batch: 5, place: 'harbour' })
      const again = await transfers.importVideos({ ...wanted, incrementalImport: true, retryFailed: false })
      assert.deepEqual(again.videos, [])
      await waitUntil(async () => (await logs()).at(-1).endedAt, 'the second import ended')
      await assert.rejects(transfers.importLogs(NOBODY), sdk.NotFoundError)
      await index.delete()
    }))
})
