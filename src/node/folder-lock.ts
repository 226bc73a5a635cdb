import { readFileSync } from 'node:fs'
import { link, lstat, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { OutputError } from '../errors.ts'
import { removeAbandoned, temporaryName } from './temporary.ts'

const lockName = '.lock'
const [prefix, suffix] = [`${lockName}.`, '.tmp']

/** A lock of ours is shorter. */
const longestLock = 4096

/** A holder on another host shows that it is there this often, and is taken for gone after that long without a sign. */
const seconds = { sign: 15, gone: 60 }

interface Holder {
  pid: number
  host: string
  /** When the process began, in the system's own unit: ids of processes are given out again. Absent where it does not say. */
  began: string | undefined
}

/**
 * Takes a folder for this process alone. A lock whose process has gone is taken over.
 * @returns what gives the folder back
 * @throws OutputError where another process has it, or nothing can be written
 */
export async function lockFolder(folder: string): Promise<() => Promise<void>> {
  const path = join(folder, lockName)
  const own = JSON.stringify({ pid: process.pid, host: hostname(), began: beginOf(process.pid) } satisfies Holder)
  for (let attempt = 0; !(await create(folder, own)); attempt++) {
    const status = await lstat(path).catch(() => undefined)
    if (status !== undefined && (!status.isFile() || status.size > longestLock)) {
      throw new OutputError(`${path} is no lock of lowrank; remove it, or take another folder`, folder)
    }
    const found = await readFile(path, 'utf8').catch(() => undefined)
    const isGone = status === undefined || found === undefined
    if (attempt > 3) throw inUse(folder, path, found ?? '')
    if (isGone) continue
    if (isHeld(found, (Date.now() - status.mtimeMs) / 1000)) throw inUse(folder, path, found)
    await rm(path, { force: true })
  }
  await removeAbandoned(folder, prefix, suffix)
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => {}), 1000 * seconds.sign)
  timer.unref()
  return async () => {
    clearInterval(timer)
    if ((await readFile(path, 'utf8').catch(() => undefined)) === own) await rm(path, { force: true })
  }
}

/** A file that appears with its content or not at all; false where there is one. */
async function create(folder: string, content: string): Promise<boolean> {
  const path = join(folder, lockName)
  const temporary = join(folder, temporaryName(prefix, suffix))
  try {
    await writeFile(temporary, content, { flag: 'wx' })
    await link(temporary, path).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') throw error
      // A file system without links.
      await writeFile(path, content, { flag: 'wx' })
    })
    return true
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return false
    throw new OutputError(`cannot be written to (${code})`, path, { cause: error })
  } finally {
    await rm(temporary, { force: true }).catch(() => {})
  }
}

function isHeld(content: string, age: number): boolean {
  const holder = parse(content)
  if (holder?.host !== hostname()) return age < seconds.gone
  try {
    process.kill(holder.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  return holder.began === beginOf(holder.pid)
}

function parse(content: string): Holder | undefined {
  try {
    const { pid, host, began } = JSON.parse(content) as Partial<Holder>
    if (!Number.isSafeInteger(pid) || pid! <= 0 || typeof host !== 'string') return undefined
    return { pid: pid!, host, began }
  } catch {
    return undefined
  }
}

/** Linux: the 22nd field of the process's status, in clock ticks since the system began. */
function beginOf(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The second field, the program's name in parentheses, may hold blanks.
    return status.slice(status.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

function inUse(folder: string, path: string, content: string): OutputError {
  const holder = parse(content)
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`
  return new OutputError(`in use by ${who}; where that is not so, remove ${path}`, folder)
}
