import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { modelStruct } from '../kernels/structs.ts'
import { paddedFactors } from '../layout/padding.ts'
import type { BufferKind, BufferPlan } from './buffer-plan.ts'
import type { ModelParts } from './parts.ts'
import { planSide, SideTable } from './side-table.ts'

/** Sizes of a model: m users, n items, rank k. */
export interface Shape {
  users: number
  items: number
  factors: number
}

/** The parameters of a model on the host, rows tight. */
export interface Parameters {
  /** users x k */
  userFactors: Float32Array
  /** items x k */
  itemFactors: Float32Array
  /** users; zeros in a model without biases */
  userBias: Float32Array
  /** items; zeros in a model without biases */
  itemBias: Float32Array
}

/** The buffers of `FactorTables`; returns the shards of either side. */
export function planTables(plan: BufferPlan, kind: BufferKind, { users, items, factors }: Shape, rowBytes = 0) {
  return {
    users: planSide(plan, kind, 'user', { rows: users, factors }, rowBytes),
    items: planSide(plan, kind, 'item', { rows: items, factors }, rowBytes),
  }
}

/** The parameters of a model on the GPU. */
export class FactorTables {
  readonly shape: Shape
  readonly users: SideTable
  readonly items: SideTable
  readonly #rowBytes: number

  /**
   * Zeroed tables, owned by `buffers`, each cut into as many shards as it takes.
   * @param rowBytes of a row in the widest table that is cut alike
   * @throws LimitExceededError where a single row does not fit
   */
  constructor(buffers: BufferOwner, shape: Shape, { label = '', rowBytes = 0 } = {}) {
    const { users, items, factors } = shape
    this.shape = shape
    this.#rowBytes = rowBytes
    this.users = new SideTable(buffers, `${label}user`, { rows: users, factors }, rowBytes)
    this.items = new SideTable(buffers, `${label}item`, { rows: items, factors }, rowBytes)
  }

  /** Other tables of the same shape, in the same shards. */
  alike(buffers: BufferOwner, label: string): FactorTables {
    return new FactorTables(buffers, this.shape, { label, rowBytes: this.#rowBytes })
  }

  /** Bytes of factors. */
  get bytes(): number {
    return this.users.bytes + this.items.bytes
  }

  write(gpu: Gpu, { userFactors, itemFactors, userBias, itemBias }: Parameters): void {
    this.users.write(gpu, userFactors, userBias)
    this.items.write(gpu, itemFactors, itemBias)
  }

  async read(gpu: Gpu): Promise<Parameters> {
    const [users, items] = await Promise.all([this.users.read(gpu), this.items.read(gpu)])
    return { userFactors: users.factors, itemFactors: items.factors, userBias: users.bias, itemBias: items.bias }
  }

  /** The buffers of the tables by name; where a side has several shards, with their numbers. */
  get buffers(): Record<string, GPUBuffer> {
    const list = (name: string, { shards }: SideTable, part: 'factors' | 'bias') =>
      shards.map((shard, at) => [shards.length === 1 ? name : `${name} ${at + 1}`, shard[part]] as const)
    return Object.fromEntries([
      ...list('userFactors', this.users, 'factors'),
      ...list('itemFactors', this.items, 'factors'),
      ...list('userBias', this.users, 'bias'),
      ...list('itemBias', this.items, 'bias'),
    ])
  }

  /** Encodes a copy of all tables into those in the same shards. */
  copyTo(encoder: GPUCommandEncoder, target: FactorTables): void {
    this.users.copyTo(encoder, target.users)
    this.items.copyTo(encoder, target.items)
  }
}

/** What turns a score into a prediction. */
export type ModelScale = Pick<ModelParts, 'mean' | 'link' | 'range' | 'clip'>

/** The `Model` uniform of the kernels that score. */
export function packModel(shape: Shape, scale: ModelScale): ArrayBuffer {
  return modelStruct.pack({
    mean: scale.mean,
    minimum: scale.range.min,
    maximum: scale.range.max,
    users: shape.users,
    items: shape.items,
    blocks: paddedFactors(shape.factors) / 4,
  })
}
