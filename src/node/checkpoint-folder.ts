import { lstat, mkdir, readdir, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { InputError, OutputError } from '../errors.ts'
import { Checkpoint } from '../train/checkpoint.ts'
import { lockFolder } from './folder-lock.ts'
import { readFileWhole } from './read-file.ts'
import { writeFileWhole } from './write-file.ts'

const named = /^checkpoint-(\d{6,15})\.safetensors$/
const leftover = /^\.checkpoint-\d{6,15}\.safetensors\.[0-9a-f]{8}\.\d+\.[0-9a-f]{12}\.tmp$/

const nameOf = (epoch: number) => `checkpoint-${String(epoch).padStart(6, '0')}.safetensors`

/**
 * A folder that holds the last two checkpoints of one training, for this process alone until it is closed. Files of other
 * names are left alone.
 */
export class CheckpointFolder {
  readonly path: string
  readonly #release: () => Promise<void>
  /** The last one that is known to be good. */
  #good: string | undefined

  private constructor(path: string, release: () => Promise<void>) {
    this.path = path
    this.#release = release
  }

  /**
   * Opens a folder, which is made where there is none.
   * @throws OutputError where that fails, it cannot be written to, or another process has it
   */
  static async open(path: string): Promise<CheckpointFolder> {
    await makeFolder(path).catch((cause: NodeJS.ErrnoException) => {
      const isFile = cause.code === 'EEXIST' || cause.code === 'ENOTDIR'
      const reason = isFile
        ? 'there is a file in its place'
        : `the folder cannot be made (${cause.code ?? cause.message})`
      throw new OutputError(reason, path, { cause })
    })
    const folder = new CheckpointFolder(path, await lockFolder(path))
    const names = await readdir(path)
    // What a killed process was writing.
    for (const name of names) if (leftover.test(name)) await remove(join(path, name))
    return folder
  }

  /** Names of the checkpoints, the newest first. */
  async list(): Promise<string[]> {
    const names = (await readdir(this.path)).filter(name => named.test(name))
    const epochOf = (name: string) => Number(named.exec(name)![1])
    return names.sort((a, b) => epochOf(b) - epochOf(a))
  }

  /**
   * The newest checkpoint that is whole; of those before it one is left.
   * @param onBad hears of each one that is passed over, before an older one is tried
   * @returns undefined where there is none at all
   * @throws InputError where none of those that there are can be read
   */
  async newest(onBad: (problem: InputError) => void): Promise<Checkpoint | undefined> {
    const names = await this.list()
    for (const [at, name] of names.entries()) {
      const file = join(this.path, name)
      try {
        if (await isLink(file)) {
          throw new InputError('is a symbolic link; expected a checkpoint in the folder itself', { file })
        }
        const checkpoint = await Checkpoint.decode(await readFileWhole(file, 'a checkpoint'), file)
        this.#good = name
        // A process that was killed may not have come to this after its last one.
        for (const old of names.slice(at + 2)) await remove(join(this.path, old))
        return checkpoint
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        onBad(error)
      }
    }
    if (names.length === 0) return undefined
    throw new InputError(`none of its ${names.length} checkpoints can be read`, { file: this.path })
  }

  /**
   * Writes a checkpoint, the whole of it in one step or nothing, and removes all but this one and the last good one before.
   * @returns its path
   * @throws OutputError; what stood there before is unchanged then
   */
  async write(checkpoint: Checkpoint): Promise<string> {
    const name = nameOf(checkpoint.epoch)
    const file = join(this.path, name)
    // What it leads to lies elsewhere, and would be written to.
    if (await isLink(file)) await remove(file)
    await writeFileWhole(file, await checkpoint.encode())
    for (const other of await this.list()) {
      if (other !== name && other !== this.#good) await remove(join(this.path, other))
    }
    this.#good = name
    return file
  }

  /** Gives the folder back. */
  close(): Promise<void> {
    return this.#release()
  }
}

/** Makes a folder and those above it. Node's own way to do so never ends where a system says ENOENT to a name, as /proc does. */
async function makeFolder(path: string, above = true): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST' && (await stat(path)).isDirectory()) return
    const parent = dirname(path)
    if (code !== 'ENOENT' || !above || parent === path) throw error
    await makeFolder(parent)
    await makeFolder(path, false)
  }
}

const isLink = async (path: string) => (await lstat(path).catch(() => undefined))?.isSymbolicLink() === true

/** A file that stays is a pity and no more. */
const remove = (path: string) => rm(path, { force: true }).catch(() => {})
