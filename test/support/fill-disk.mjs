// To be imported before the program: the disk is full, as far as files are written by their handles.
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const path = join(tmpdir(), `lowrank-fill-${process.pid}`)
const handle = await open(path, 'wx')
await handle.close()
await rm(path)
Object.getPrototypeOf(handle).writeFile = async function (bytes) {
  await this.write(bytes, 0, bytes.length >> 1)
  throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' })
}
