// What versions.json says that a version lacks, it does lack, and nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groups, lacks } from '../shared.mjs'
import { client } from './client.mjs'

const probes = {
  engines: () => 'engine' in client,
  transfer: () => 'transfer' in client.task,
  imports: () => 'transfers' in client.task,
  transcription: () => 'transcription' in client.index.video,
}

for (const name of groups) {
  test(`${name} is there or not, as declared`, () => {
    assert.equal((probes[name] ?? (() => true))(), !(name in lacks))
  })
}
