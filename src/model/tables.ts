import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { modelStruct } from '../kernels/structs.ts'
import { paddedFactors, padRows, trimRows } from '../layout/padding.ts'
import type { ModelParts } from './parts.ts'

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

const parts = ['userFactors', 'itemFactors', 'userBias', 'itemBias'] as const

/** The parameters of a model on the GPU: rows of factors padded to whole vec4s, biases beside them. */
export class FactorTables {
  readonly shape: Shape
  readonly userFactors: GPUBuffer
  readonly itemFactors: GPUBuffer
  readonly userBias: GPUBuffer
  readonly itemBias: GPUBuffer

  /** Zeroed tables, owned by `buffers`. */
  constructor(buffers: BufferOwner, shape: Shape, label = '') {
    const stride = 4 * paddedFactors(shape.factors)
    this.shape = shape
    this.userFactors = buffers.storage(`${label}user-factors`, shape.users * stride)
    this.itemFactors = buffers.storage(`${label}item-factors`, shape.items * stride)
    this.userBias = buffers.storage(`${label}user-bias`, 4 * shape.users)
    this.itemBias = buffers.storage(`${label}item-bias`, 4 * shape.items)
  }

  write(gpu: Gpu, parameters: Parameters): void {
    const { users, items, factors } = this.shape
    const { queue } = gpu.device
    queue.writeBuffer(this.userFactors, 0, padRows(parameters.userFactors, users, factors))
    queue.writeBuffer(this.itemFactors, 0, padRows(parameters.itemFactors, items, factors))
    queue.writeBuffer(this.userBias, 0, Float32Array.from(parameters.userBias))
    queue.writeBuffer(this.itemBias, 0, Float32Array.from(parameters.itemBias))
  }

  async read(gpu: Gpu): Promise<Parameters> {
    const { users, items, factors } = this.shape
    const stride = 4 * paddedFactors(factors)
    const floats = async (buffer: GPUBuffer, bytes: number) => new Float32Array(await gpu.read(buffer, bytes))
    const [userFactors, itemFactors, userBias, itemBias] = await Promise.all([
      floats(this.userFactors, users * stride),
      floats(this.itemFactors, items * stride),
      floats(this.userBias, 4 * users),
      floats(this.itemBias, 4 * items),
    ])
    return {
      userFactors: trimRows(userFactors, users, factors),
      itemFactors: trimRows(itemFactors, items, factors),
      userBias,
      itemBias,
    }
  }

  /** The tables by name. */
  get buffers(): Record<(typeof parts)[number], GPUBuffer> {
    const { userFactors, itemFactors, userBias, itemBias } = this
    return { userFactors, itemFactors, userBias, itemBias }
  }

  /** Encodes a copy of all tables into those of the same shape. */
  copyTo(encoder: GPUCommandEncoder, target: FactorTables): void {
    for (const part of parts) encoder.copyBufferToBuffer(this[part], 0, target[part], 0, this[part].size)
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
