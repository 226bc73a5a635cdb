const types = [
  'ArrayBuffer',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
  'Int32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
] as const

/** Thrown where more is allocated than may be; no error of lowrank's. */
export class AllocationError extends Error {}

/** `work`, in which no array of more than `most` bytes may be made. */
export async function withLargestArray<T>(most: number, work: () => Promise<T>): Promise<T> {
  const own = types.map(name => globalThis[name])
  const check = (bytes: number) => {
    if (bytes > most) throw new AllocationError(`an array of ${bytes} bytes; at most ${most} are expected`)
  }
  for (const [at, name] of types.entries()) {
    const Type = own[at] as typeof Uint8Array
    const width = name === 'ArrayBuffer' ? 1 : Type.BYTES_PER_ELEMENT
    const watched: typeof Type = new Proxy(Type, {
      construct(target, words, newTarget) {
        if (typeof words[0] === 'number') check(words[0] * width)
        else if (Array.isArray(words[0])) check(words[0].length * width)
        return Reflect.construct(target, words, newTarget === watched ? target : newTarget) as object
      },
    })
    Object.assign(globalThis, { [name]: watched })
  }
  try {
    return await work()
  } finally {
    for (const [at, name] of types.entries()) Object.assign(globalThis, { [name]: own[at] })
  }
}
