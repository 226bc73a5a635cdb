import { InputError } from '../errors.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { FactorTables, Parameters } from '../model/tables.ts'

/** Tables up to this size are copied to the host after every epoch that is kept. */
const smallBytes = 2 ** 20

/** Of larger ones the copies take this share of the time at most. */
const mirrorShare = 0.05

/** Bytes that are copied to the host in a millisecond, as long as no copy has been timed. */
const assumedRate = 1e6

export interface KeptState {
  /** Counted from 1; 0 for the initial state. */
  epoch: number
  parameters: Parameters
}

/**
 * Keeps the state that a training would return: a copy of the tables on the GPU, taken after the best epoch so far, and
 * a mirror of it on the host for the case that the device is lost.
 */
export class StateKeeper {
  readonly #gpu: Gpu
  readonly #kept: FactorTables
  readonly #buffers: BufferOwner
  #epoch = 0
  #mirror: KeptState
  #mirroredAt: number
  /** Milliseconds that the last copy to the host took, or that the first will take. */
  #mirrorTook: number

  /** `initial` is what the tables hold at the start. */
  static async create(gpu: Gpu, tables: FactorTables, initial: Parameters): Promise<StateKeeper> {
    const buffers = gpu.buffers()
    try {
      const keeper = new StateKeeper(gpu, buffers, tables, initial)
      await gpu.settle(buffers)
      await keeper.#copy(tables)
      return keeper
    } catch (error) {
      buffers.destroy()
      throw error
    }
  }

  private constructor(gpu: Gpu, buffers: BufferOwner, tables: FactorTables, initial: Parameters) {
    this.#gpu = gpu
    this.#buffers = buffers
    this.#kept = tables.alike(buffers, 'kept ')
    this.#mirror = { epoch: 0, parameters: initial }
    this.#mirroredAt = performance.now()
    this.#mirrorTook = tables.bytes / assumedRate
  }

  get epoch(): number {
    return this.#epoch
  }

  /** The state as it was copied to the host last. */
  get mirror(): KeptState {
    return this.#mirror
  }

  /** Keeps what the tables hold now, after `epoch`. */
  async keep(tables: FactorTables, epoch: number): Promise<void> {
    await this.#copy(tables)
    this.#epoch = epoch
    const since = performance.now() - this.#mirroredAt
    if (tables.bytes <= smallBytes || since * mirrorShare > this.#mirrorTook) await this.read()
  }

  async #copy(tables: FactorTables): Promise<void> {
    await this.#gpu.checked('keeping the state', () => {
      const encoder = this.#gpu.device.createCommandEncoder({ label: 'keep' })
      tables.copyTo(encoder, this.#kept)
      this.#gpu.device.queue.submit([encoder.finish()])
    })
  }

  /**
   * Keeps a state from the host.
   * @throws InputError where it is not of the tables' shape
   */
  put(state: KeptState): void {
    const { users, items, factors } = this.#kept.shape
    const lengths = { userFactors: users * factors, itemFactors: items * factors, userBias: users, itemBias: items }
    for (const name of Object.keys(lengths) as (keyof Parameters)[]) {
      const { length } = state.parameters[name]
      if (length !== lengths[name]) {
        throw new InputError(`the kept table ${name} has ${length} numbers; expected ${lengths[name]}`)
      }
    }
    this.#kept.write(this.#gpu, state.parameters)
    this.#epoch = state.epoch
    this.#mirror = state
    this.#mirroredAt = performance.now()
  }

  /** The kept state, copied to the host. */
  async read(): Promise<KeptState> {
    if (this.#mirror.epoch !== this.#epoch) {
      const began = performance.now()
      this.#mirror = { epoch: this.#epoch, parameters: await this.#kept.read(this.#gpu) }
      this.#mirroredAt = performance.now()
      this.#mirrorTook = this.#mirroredAt - began
    }
    return this.#mirror
  }

  destroy(): void {
    this.#buffers.destroy()
  }
}
