// What the tests of JavaScript clients share: the world that world.py made, which client is tested, and waiting.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { describe } from 'node:test'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const told = JSON.parse(fs.readFileSync(path.join(here, 'versions.json'), 'utf8'))

export const world = JSON.parse(fs.readFileSync(process.env.TELECINE_WORLD, 'utf8'))
export const [generation, version] = process.env.TELECINE_CLIENT.split(' ')
export const trailer = world.films.videos['trailer.mp4']
export const speech = world.films.videos['speech.mp4']
// An id that names nothing.
export const NOBODY = '65f0c1d2e3a4b5c6d7e8f9aa'
// More than any list here has.
const MOST = 500

// The groups of calls that this generation has, in versions.json, and those that this version has of them.
export const groups = told.generations[generation].groups
export const lacks = told.generations[generation].versions[version]
const tested = groups.filter((name) => !(name in lacks) && !told.not_served_yet.includes(name))

// The package, from the environment of this version.
export const sdk = createRequire(path.join(process.env.TELECINE_CLIENT_PLACE, 'package.json'))('twelvelabs-js')

// A client that finds the server as users make it find one: by the environment.
export function clientAt(url, key = world.key) {
  process.env.TWELVELABS_BASE_URL = url
  return new sdk.TwelveLabs({ apiKey: key })
}

// Tests of a group of calls. Where the version lacks it there are none; that it does lack it is tested in lacks.mjs.
export function group(name, tests) {
  if (tested.includes(name)) describe(name, tests)
}

// Names that no other client uses.
const run = `${generation} ${version} ${randomUUID().slice(0, 6)}`
export const nameOf = (what) => `${what} ${run}`

export const sample = (name) => path.join(world.samples, name)
export const link = (name) => `${world.links}/${name}`
export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// The promise of what is made once.
export function once(make) {
  let made
  return () => (made ??= make())
}

export async function waitUntil(isSo, what, limitMs = 120_000) {
  const deadline = Date.now() + limitMs
  while (!(await isSo())) {
    assert.ok(Date.now() < deadline, `not ${what} after ${limitMs} ms`)
    await sleep(100)
  }
}

// All items of what iterates, or the pages that follow a first one of the 0.x clients; fails where it does not end.
export async function bounded(iterable) {
  const found = []
  for await (const item of iterable) {
    found.push(item)
    assert.ok(found.length <= MOST, 'it does not end')
  }
  return found
}

export async function* pagesAfter(first) {
  for (let page = await first.next(); page !== null; page = await first.next()) yield* page
}

// An integration has one import at a time, and other clients want theirs.
export async function inImportTurn(act) {
  const lock = path.join(world.locks, 'import')
  const isMine = () => {
    try {
      fs.mkdirSync(lock)
      return true
    } catch (error) {
      if (error.code !== 'EEXIST') throw error
      return false
    }
  }
  await waitUntil(isMine, "another client's import over", 180_000)
  try {
    return await act()
  } finally {
    fs.rmdirSync(lock)
  }
}

// The address of a proxy that fails so (see proxy.py), and a call that tells what came to it.
export function failing(mode) {
  const token = randomUUID()
  const seen = async () => (await fetch(`${world.proxy}/seen/${token}`)).json()
  return { url: `${world.proxy}/${mode}/${token}`, seen }
}

// One request without the client, for fields that it does not know.
export async function raw(method, route, body) {
  const headers = { 'x-api-key': world.key, ...(body && { 'content-type': 'application/json' }) }
  const answer = await fetch(world.url + route, { method, headers, body: body && JSON.stringify(body) })
  return answer.status === 204 ? null : answer.json()
}
