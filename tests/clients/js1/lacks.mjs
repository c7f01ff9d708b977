// What versions.json says that a version lacks, it does lack, and nothing else.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { groups, lacks, version, world } from '../shared.mjs'
import { client, refused } from './client.mjs'

const probes = {
  // 1.1 to 1.2.4 have the calls, but their second parameter is not the request: they send none.
  imports: () => 'transfers' in client.tasks && version === '1.0.2',
  embed_v2: () => 'v2' in client.embed,
  gist_summarize: () => typeof client.gist === 'function',
  analyze_async: () => 'analyzeAsync' in client,
  assets: () => 'assets' in client,
  multipart: () => 'multipartUpload' in client,
  indexed_assets: () => 'indexedAssets' in client.indexes,
  connections: () => 'dataConnectors' in client,
  bridge: () => 'imports' in client,
}

for (const name of groups) {
  test(`${name} is there or not, as declared`, () => {
    assert.equal((probes[name] ?? (() => true))(), !(name in lacks))
  })
}

if (version === '1.2.4') {
  test('an import without parameters is refused and does nothing', () =>
    refused(client.tasks.transfers.create(world.integration, { indexId: world.films.index }), 400, 'parameter_not_provided'))
}
