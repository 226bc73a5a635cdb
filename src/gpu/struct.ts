export type Scalar = 'u32' | 'f32'

export type ScalarFields = Readonly<Record<string, Scalar>>

export type ScalarValues<Fields extends ScalarFields> = { readonly [Name in keyof Fields]: number }

/** A WGSL struct of 4-byte scalars, in the order of its fields: the one place where its layout is written. */
export interface ScalarStruct<Fields extends ScalarFields> {
  readonly name: string
  readonly fields: Fields
  /** Bytes, as WGSL counts them. */
  readonly size: number
  /** Writes all fields at a byte offset. */
  write(view: DataView, offset: number, values: ScalarValues<Fields>): void
  /** The fields alone, in a buffer of their own. */
  pack(values: ScalarValues<Fields>): ArrayBuffer
}

export function scalarStruct<const Fields extends ScalarFields>(name: string, fields: Fields): ScalarStruct<Fields> {
  const names = Object.keys(fields)
  const size = 4 * names.length
  const write = (view: DataView, offset: number, values: ScalarValues<Fields>) => {
    names.forEach((field, index) => {
      const value = values[field]!
      if (fields[field] === 'u32') view.setUint32(offset + 4 * index, value, true)
      else view.setFloat32(offset + 4 * index, value, true)
    })
  }
  return {
    name,
    fields,
    size,
    write,
    pack(values) {
      const buffer = new ArrayBuffer(size)
      write(new DataView(buffer), 0, values)
      return buffer
    },
  }
}
