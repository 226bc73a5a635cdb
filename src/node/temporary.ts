import { createHash, randomBytes } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { lstat, readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'

/** What a process of another machine left is taken for abandoned when nobody has written to it for so long. */
const abandonedMilliseconds = 24 * 3600 * 1000

/** `machine.process.random`: who made a temporary file or folder. */
const mark = /^([0-9a-f]{8})\.(\d{1,10})\.[0-9a-f]{12}$/

/** Ids of processes mean something on one machine alone, and in one container of it. */
const machine = createHash('sha256').update(`${hostname()} ${processSpace()}`).digest('hex').slice(0, 8)

/** A name that no other has, which tells its process. */
export function temporaryName(prefix: string, suffix = ''): string {
  return `${prefix}${machine}.${process.pid}.${randomBytes(6).toString('hex')}${suffix}`
}

/** Removes the files and folders that `temporaryName` named and whose processes have gone: those that were killed. */
export async function removeAbandoned(folder: string, prefix: string, suffix = ''): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names) {
    if (!name.startsWith(prefix) || !name.endsWith(suffix)) continue
    const made = mark.exec(name.slice(prefix.length, name.length - suffix.length))
    const path = join(folder, name)
    if (made === null || (await isInUse(path, made[1]!, Number(made[2])))) continue
    // What stays is a pity and no more.
    await rm(path, { recursive: true, force: true }).catch(() => {})
  }
}

async function isInUse(path: string, maker: string, pid: number): Promise<boolean> {
  if (maker !== machine) {
    const status = await lstat(path).catch(() => undefined)
    return status === undefined || Date.now() - status.mtimeMs < abandonedMilliseconds
  }
  try {
    process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
  return true
}

/** Linux: what tells the ids of this container's processes from those of another. */
function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return ''
  }
}
