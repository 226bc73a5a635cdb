import { InputError, type InputPlace } from '../errors.ts'
import { dtypeOf, type Tensor, type TensorData } from './safetensors.ts'

/** Hands out the tensors of a file by name, checked for dtype and shape; what nobody took can be found out. */
export class TensorReader {
  readonly place: InputPlace
  readonly #left: Map<string, Tensor>

  constructor(tensors: ReadonlyMap<string, Tensor>, place: InputPlace) {
    this.place = place
    this.#left = new Map(tensors)
  }

  fail(problem: string, cause?: unknown): InputError {
    return new InputError(problem, this.place, { cause })
  }

  has(name: string): boolean {
    return this.#left.has(name)
  }

  /**
   * The shape of a tensor of so many dimensions, which stays in place.
   * @throws InputError where it is missing or has another number of dimensions.
   */
  shape(name: string, dimensions: number): readonly number[] {
    const { shape } = this.#get(name)
    if (shape.length !== dimensions) {
      throw this.fail(`the tensor ${name} has ${shape.length} dimensions; expected ${dimensions}`)
    }
    return shape
  }

  /**
   * The data of a tensor of the class `type` and of `shape`; an undefined length may be any.
   * @throws InputError where it is missing or differs.
   */
  take<Data extends TensorData>(
    name: string,
    type: { new (length: number): Data },
    shape: readonly (number | undefined)[],
  ): Data {
    const { data } = this.#get(name)
    const actual = this.shape(name, shape.length)
    if (!(data instanceof type)) {
      throw this.fail(`the tensor ${name} has the dtype ${dtypeOf(data)}; expected ${dtypeOf(new type(0))}`)
    }
    if (shape.some((length, dimension) => length !== undefined && length !== actual[dimension])) {
      throw this.fail(
        `the tensor ${name} has the shape [${actual}]; expected [${shape.map(length => length ?? 'any')}]`,
      )
    }
    this.#left.delete(name)
    return data
  }

  /** @throws InputError where a tensor was not taken. */
  finish(): void {
    for (const name of this.#left.keys()) throw this.fail(`the tensor ${JSON.stringify(name.slice(0, 60))} is unknown`)
  }

  #get(name: string): Tensor {
    const tensor = this.#left.get(name)
    if (tensor === undefined) throw this.fail(`the tensor ${name} is missing`)
    return tensor
  }
}
