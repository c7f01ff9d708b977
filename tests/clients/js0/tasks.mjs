// Tasks: the ways of a video into an index.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bounded, group, link, pagesAfter, raw, sample, sdk } from '../shared.mjs'
import { client, isV13, measured, own, prefix } from './client.mjs'

group('tasks', () => {
  test('a file and a URL become videos', async () => {
    const { index, uploaded, linked, seen } = await own()
    for (const [task, name] of [[uploaded, 'captioned.mp4'], [linked, 'short.mp4']]) {
      const told = await client.task.retrieve(task.id)
      assert.deepEqual([told.status, told.indexId, measured(told).filename], ['ready', index.id, name])
      assert.equal((await client.index.video.retrieve(index.id, told.videoId)).id, told.videoId)
    }
    assert.equal(seen.at(-1), 'ready')
    const known = ['validating', 'pending', 'queued', 'indexing', 'ready']
    assert.ok(seen.every((status) => known.includes(status)), seen)
  })

  test('tasks are listed in pages and filtered', async () => {
    const { index, uploaded, linked } = await own()
    const first = await client.task.listPagination({ indexId: index.id, pageLimit: 1 })
    const found = [...first.data, ...(await bounded(pagesAfter(first)))].map((task) => task.id)
    assert.deepEqual([...found].sort(), [uploaded.id, linked.id].sort())
    assert.deepEqual(await client.task.list({ indexId: index.id, page: 99 }), [])
    const named = await client.task.list({ indexId: index.id, filename: 'short.mp4' })
    assert.deepEqual(named.map((task) => task.id), [linked.id])
    const future = { gte: '2099-01-01T00:00:00Z' }
    assert.deepEqual(await client.task.list({ indexId: index.id, createdAt: future }), [])
  })

  test('tasks are counted', async () => {
    const { index } = await own()
    const counts = isV13
      ? await raw('GET', `${prefix}/tasks/status?index_id=${index.id}`)
      : await client.task.status(index.id)
    assert.equal(isV13 ? counts.index_id : counts.indexId, index.id)
    const total = isV13 ? counts.total_result : counts.totalResult
    assert.deepEqual([counts.ready, counts.failed, counts.validating, total], [2, 0, 0, 2])
  })

  test('several are made at once, the bad ones say why, and no content is there twice', async () => {
    const { index } = await own()
    const tasks = await client.task.createBulk(index.id, { files: [sample('captioned.mp4')], urls: [link('small.mp4')] })
    const ended = []
    for (const task of tasks) ended.push((await task.waitForDone(100)).status)
    assert.deepEqual(ended, ['ready', 'failed'])
    const { error } = await raw('GET', `${prefix}/tasks/${tasks[1].id}`)
    assert.equal(error.code, 'video_resolution_too_low')
    assert.match(error.value, /320x180/)
    assert.equal((await client.index.retrieve(index.id)).videoCount, 2)
    for (const task of tasks) await task.delete()
    await assert.rejects(client.task.retrieve(tasks[1].id), sdk.NotFoundError)
  })

  test('nothing to index is refused, in the words of the server', async () => {
    const { index } = await own()
    // The client drops Buffers silently (0.2), or posts what it has (0.4).
    await assert.rejects(client.task.create({ indexId: index.id, url: 'ftp://nowhere/a.mp4' }), sdk.BadRequestError)
  })
})
