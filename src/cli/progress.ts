import { Presets, SingleBar } from 'cli-progress'
import type { EpochReport } from '../train/training.ts'
import { elapsed } from './clock.ts'
import { rate, score, seconds } from './format.ts'
import type { Terminal } from './terminal.ts'

/** A bar on the terminal that people read. */
export function progressBar(terminal: Terminal, format: string): SingleBar {
  return new SingleBar(
    // Signals are the program's: a bar that listens for them would end it before it has cleaned up.
    { format, stream: terminal.stream, hideCursor: true, gracefulExit: false, barsize: 24, linewrap: true },
    Presets.rect,
  )
}

/** Shows the epochs of a training: a bar on a terminal, otherwise a line an epoch. */
export class EpochProgress {
  readonly #terminal: Terminal
  readonly #epochs: number
  readonly #entries: number
  readonly #bar: SingleBar | undefined

  /** @param lines whether to write lines even on a terminal */
  constructor(terminal: Terminal, epochs: number, entries: number, lines = false) {
    this.#terminal = terminal
    this.#epochs = epochs
    this.#entries = entries
    if (!terminal.interactive || lines || epochs === 0) return
    this.#bar = progressBar(terminal, 'epoch {value}/{total} {bar} {facts}')
    this.#bar.start(epochs, 0, { facts: '' })
  }

  show(report: EpochReport): void {
    const facts = [`loss ${score(report.trainLoss)}`]
    if (report.validationRmse !== undefined) facts.push(`validation RMSE ${score(report.validationRmse)}`)
    if (report.validationNdcg !== undefined) facts.push(`validation NDCG@10 ${score(report.validationNdcg)}`)
    facts.push(`${rate(this.#entries / report.seconds)} entries/s`)
    if (this.#bar !== undefined) {
      this.#bar.update(report.epoch, { facts: facts.join('  ') })
      return
    }
    const epoch = String(report.epoch).padStart(String(this.#epochs).length)
    this.#terminal.say(`epoch ${epoch}/${this.#epochs}  ${facts.join('  ')}  ${seconds(report.seconds)}`)
  }

  stop(): void {
    this.#bar?.stop()
  }
}

/** Shows on a terminal how many users are done, and how many items are scored a second. */
export class UserProgress {
  readonly #items: number
  readonly #began = performance.now()
  readonly #bar: SingleBar | undefined

  constructor(terminal: Terminal, what: string, users: number, items: number) {
    this.#items = items
    if (!terminal.interactive || users === 0) return
    this.#bar = progressBar(terminal, `${what} {bar} {value}/{total} users  {facts}`)
    this.#bar.start(users, 0, { facts: '' })
  }

  show(done: number, users?: number): void {
    if (this.#bar === undefined) return
    if (users !== undefined) this.#bar.setTotal(users)
    this.#bar.update(done, { facts: `${rate((done * this.#items) / elapsed(this.#began))} items/s` })
  }

  stop(): void {
    this.#bar?.stop()
  }
}
