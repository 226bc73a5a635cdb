import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { writeBuffer } from '../gpu/write.ts'

/** The bytes of a solver's tables by name, as the GPU holds them. */
export type SolverState = ReadonlyMap<string, Uint8Array<ArrayBuffer>>

/** Bytes that go to the GPU in one call, each copied on the way. */
const pieceBytes = 32 * 2 ** 20

/**
 * All that a solver's next epoch depends on, beside its options, its data and the epoch's number: with these tables another
 * solver of the same plan goes on to the same bits.
 */
export class SolverTables {
  readonly #gpu: Gpu
  readonly #tables: ReadonlyMap<string, GPUBuffer>
  readonly #derive: (encoder: GPUCommandEncoder) => void

  /** @param derive encodes what follows from the tables and is read beside them */
  constructor(
    gpu: Gpu,
    tables: Readonly<Record<string, GPUBuffer>>,
    derive: (encoder: GPUCommandEncoder) => void = () => {},
  ) {
    this.#gpu = gpu
    this.#tables = new Map(Object.entries(tables))
    this.#derive = derive
  }

  /** Copies the tables to the host, after all work submitted before. */
  read(): Promise<SolverState> {
    return readTables(this.#gpu, this.#tables)
  }

  /**
   * Takes the tables from the host.
   * @throws InputError where they are not those of this solver; nothing is written then
   */
  async write(state: SolverState): Promise<void> {
    for (const name of state.keys())
      if (!this.#tables.has(name)) throw new InputError(`no table is called ${name} here`)
    for (const [name, { size }] of this.#tables) {
      const bytes = state.get(name)?.byteLength
      if (bytes !== size) throw new InputError(`the table ${name} takes ${size} bytes, not ${bytes ?? 'none'}`)
    }
    await this.#gpu.checked('restoring the state', () => {
      const { device } = this.#gpu
      for (const [name, buffer] of this.#tables) {
        const bytes = state.get(name)!
        for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
          writeBuffer(device.queue, buffer, at, bytes.subarray(at, at + pieceBytes))
        }
      }
      this.#submit('restoring the state', this.#derive)
    })
  }

  /**
   * A second set of the tables on the GPU, which holds what these hold now.
   * @throws LimitExceededError, OutOfMemoryError
   */
  async snapshot(): Promise<SolverSnapshot> {
    const gpu = this.#gpu
    const buffers = gpu.buffers()
    try {
      const copies = new Map<string, GPUBuffer>()
      for (const [name, { size }] of this.#tables) copies.set(name, buffers.storage(`snapshot of ${name}`, size))
      await gpu.settle(buffers)
      const copy =
        (from: ReadonlyMap<string, GPUBuffer>, to: ReadonlyMap<string, GPUBuffer>) => (encoder: GPUCommandEncoder) => {
          for (const [name, source] of from) encoder.copyBufferToBuffer(source, 0, to.get(name)!, 0, source.size)
        }
      const snapshot = new SolverSnapshot(gpu, buffers, copies, {
        take: () => this.#submit('snapshot', copy(this.#tables, copies)),
        restore: () =>
          this.#submit('going back', encoder => {
            copy(copies, this.#tables)(encoder)
            this.#derive(encoder)
          }),
      })
      await snapshot.take()
      return snapshot
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  #submit(label: string, encode: (encoder: GPUCommandEncoder) => void): void {
    const encoder = this.#gpu.device.createCommandEncoder({ label })
    encode(encoder)
    this.#gpu.device.queue.submit([encoder.finish()])
  }
}

/** The tables of a solver as they were at some time. */
export class SolverSnapshot {
  readonly #gpu: Gpu
  readonly #buffers: BufferOwner
  readonly #copies: ReadonlyMap<string, GPUBuffer>
  readonly #copy: { take(): void; restore(): void }

  constructor(
    gpu: Gpu,
    buffers: BufferOwner,
    copies: ReadonlyMap<string, GPUBuffer>,
    copy: { take(): void; restore(): void },
  ) {
    this.#gpu = gpu
    this.#buffers = buffers
    this.#copies = copies
    this.#copy = copy
  }

  /** Holds what the solver's tables hold now. */
  async take(): Promise<void> {
    await this.#gpu.checked('taking a snapshot', () => this.#copy.take())
  }

  /** Puts into the solver's tables what this holds. */
  async restore(): Promise<void> {
    await this.#gpu.checked('going back to a snapshot', () => this.#copy.restore())
  }

  read(): Promise<SolverState> {
    return readTables(this.#gpu, this.#copies)
  }

  destroy(): void {
    this.#buffers.destroy()
  }
}

async function readTables(gpu: Gpu, tables: ReadonlyMap<string, GPUBuffer>): Promise<SolverState> {
  const state = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const [name, buffer] of tables) state.set(name, new Uint8Array(await gpu.read(buffer, buffer.size)))
  return state
}
