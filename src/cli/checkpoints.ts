import { type Command, Option } from 'commander'
import { LowrankError, OptionError, OutputError } from '../errors.ts'
import type { AdapterDescription } from '../gpu/capabilities.ts'
import { CheckpointFolder } from '../node/checkpoint-folder.ts'
import type { Checkpoint } from '../train/checkpoint.ts'
import type { Training } from '../train/training.ts'
import { deviceName } from '../train/training-identity.ts'
import { elapsed } from './clock.ts'
import type { Terminal } from './terminal.ts'
import { fileValue, integerValue, numberValue } from './values.ts'

export interface CheckpointWords {
  checkpoint?: string
  checkpointEvery?: number
  checkpointMinutes?: number
  resume?: boolean
}

/** Where nobody says how often: so many times what the last one took must have passed, and a second. */
const sparing = { times: 30, seconds: 1 }

export function addCheckpointFlags(command: Command): void {
  const add = (flag: Option) => command.addOption(flag.helpGroup('Checkpoints:'))
  add(
    new Option(
      '--checkpoint <dir>',
      'folder for checkpoints, the last two of which are kept (default interval: what costs about 3% of the time)',
    ).argParser(fileValue('--checkpoint')),
  )
  add(
    new Option('--checkpoint-every <n>', 'epochs between checkpoints').argParser(
      integerValue('--checkpoint-every', 1, 1e6),
    ),
  )
  add(
    new Option('--checkpoint-minutes <m>', 'minutes between checkpoints, which follow an epoch').argParser(
      numberValue('--checkpoint-minutes', 'a number of at least 0', minutes => minutes >= 0),
    ),
  )
  add(
    new Option(
      '--resume',
      'go on from the newest good checkpoint, to the same bytes as without a stop; with an empty folder: start. Ratings and options must be the same; only --epochs may be raised',
    ),
  )
}

/** @throws OptionError */
function checkWords({ checkpoint, checkpointEvery, checkpointMinutes, resume }: CheckpointWords): void {
  if (checkpoint === undefined) {
    const given = { checkpointEvery, checkpointMinutes, resume }
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined) throw new OptionError(name, `"${name}" needs "checkpoint": the folder that it is about`)
    }
  }
  if (checkpointEvery !== undefined && checkpointMinutes !== undefined) {
    throw new OptionError(
      'checkpointMinutes',
      '"checkpointMinutes" and "checkpointEvery" say two things: take one of them',
    )
  }
}

/**
 * Opens the folder that the words name, and reads the checkpoint that they want to go on from.
 * @throws OptionError, OutputError, InputError
 */
export async function openCheckpoints(terminal: Terminal, words: CheckpointWords): Promise<Checkpoints | undefined> {
  checkWords(words)
  const { checkpoint: path } = words
  if (path === undefined) return undefined
  const folder = await CheckpointFolder.open(path)
  try {
    if (words.resume !== true) {
      const [name] = await folder.list()
      if (name === undefined) return new Checkpoints(terminal, folder, words, undefined)
      throw new OptionError(
        'checkpoint',
        `"checkpoint" ${path} holds checkpoints already (${name}): "resume" goes on from them; otherwise take another folder, or remove them`,
      )
    }
    const found = await folder.newest(problem => terminal.warn(`passed over: ${problem.message}`))
    terminal.say(
      found === undefined ? `no checkpoint in ${path} yet: starting` : `going on from epoch ${found.epoch} (${path})`,
    )
    return new Checkpoints(terminal, folder, words, found)
  } catch (error) {
    await folder.close()
    throw error
  }
}

/** Writes a training's checkpoints as often as is wanted. */
export class Checkpoints {
  /** What the training goes on from. */
  readonly resume: Checkpoint | undefined
  readonly #terminal: Terminal
  readonly #folder: CheckpointFolder
  readonly #words: CheckpointWords
  /** Epoch of the newest one; 0 where there is none. */
  #epoch: number
  /** Epoch of the last attempt to write one. */
  #tried: number
  #at = performance.now()
  #took = 0

  constructor(terminal: Terminal, folder: CheckpointFolder, words: CheckpointWords, resume: Checkpoint | undefined) {
    this.resume = resume
    this.#terminal = terminal
    this.#folder = folder
    this.#words = words
    this.#epoch = resume?.epoch ?? 0
    this.#tried = this.#epoch
  }

  /** As the JSON object has it. */
  get summary(): { dir: string; epoch: number; resumedFrom: number | null } {
    return { dir: this.#folder.path, epoch: this.#epoch, resumedFrom: this.resume?.epoch ?? null }
  }

  /** Hears that the first epoch is about to begin. */
  begin(device: AdapterDescription): void {
    const adapter = deviceName(device)
    this.#at = performance.now()
    const was = this.resume?.identity.adapter ?? adapter
    if (was !== adapter) {
      this.#terminal.warn(`the checkpoint was taken on ${was}; on ${adapter} the last bits of the model may be others`)
    }
  }

  /** Writes one after an epoch, where it is time. */
  async afterEpoch(training: Training): Promise<void> {
    if (this.#isDue(training.epoch)) await this.write(training)
  }

  #isDue(epoch: number): boolean {
    const { checkpointEvery, checkpointMinutes } = this.#words
    if (checkpointEvery !== undefined) return epoch - this.#tried >= checkpointEvery
    const wanted =
      checkpointMinutes === undefined ? Math.max(sparing.seconds, sparing.times * this.#took) : 60 * checkpointMinutes
    return elapsed(this.#at) >= wanted
  }

  /** Writes one of the last epoch that is done, where there is none of it. A disk that is full does not end a training. */
  async write(training: Training): Promise<void> {
    if (training.epoch <= this.#tried) return
    const began = performance.now()
    try {
      const checkpoint = await training.checkpoint()
      if (checkpoint.epoch <= this.#tried) return
      this.#tried = checkpoint.epoch
      await this.#folder.write(checkpoint)
      this.#epoch = checkpoint.epoch
    } catch (error) {
      if (!(error instanceof OutputError)) throw error
      const left = this.#epoch === 0 ? 'there is none' : `the one of epoch ${this.#epoch} stays`
      this.#terminal.warn(`no checkpoint of epoch ${training.epoch}: ${error.message}; ${left}`)
    }
    this.#took = elapsed(began)
    this.#at = performance.now()
  }

  /** Writes what is left of a training that was ended early, and says from where it can go on. */
  async rescue(training: Training): Promise<void> {
    try {
      await this.write(training)
    } catch (error) {
      if (!(error instanceof LowrankError)) throw error
      this.#terminal.warn(`no checkpoint of epoch ${training.epoch}: ${error.message}`)
    }
    if (this.#epoch > 0) this.#terminal.say(`${this.#folder.path} holds epoch ${this.#epoch}; --resume goes on from it`)
  }

  close(): Promise<void> {
    return this.#folder.close()
  }
}
