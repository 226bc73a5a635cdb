import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { servePage } from '../../src/cli/page-server.ts'

it('outlives a file that is there and cannot be opened', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lowrank-server-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  // What a socket is: it has a size and a time, and no program opens it as a file.
  const socket = createServer().listen(join(folder, 'page.js'))
  await once(socket, 'listening')
  onTestFinished(() => void socket.close())
  const server = await servePage(folder)
  onTestFinished(server.close)
  await fetch(`${server.url}page.js`)
    .then(response => response.text())
    .catch(() => {})
  expect((await fetch(server.url)).status).toBe(200)
})
