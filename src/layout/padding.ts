/** Floats in a padded row of k factors: whole vec4s, the rest zero. */
export const paddedFactors = (factors: number): number => 4 * Math.ceil(factors / 4)

/** rows x k, tight, to rows x paddedFactors(k). */
export function padRows(tight: Float32Array, rows: number, factors: number): Float32Array<ArrayBuffer> {
  const stride = paddedFactors(factors)
  const padded = new Float32Array(rows * stride)
  if (stride === factors) padded.set(tight.subarray(0, rows * factors))
  else for (let row = 0; row < rows; row++) padded.set(tight.subarray(row * factors, (row + 1) * factors), row * stride)
  return padded
}

/** The inverse of `padRows`; into `tight` where it is given. */
export function trimRows(
  padded: Float32Array,
  rows: number,
  factors: number,
  tight: Float32Array<ArrayBuffer> = new Float32Array(rows * factors),
): Float32Array<ArrayBuffer> {
  const stride = paddedFactors(factors)
  if (stride === factors) tight.set(padded.subarray(0, rows * factors))
  else {
    for (let row = 0; row < rows; row++) {
      tight.set(padded.subarray(row * stride, row * stride + factors), row * factors)
    }
  }
  return tight
}

/** (user, item, bits of the f32 rating) of each entry. */
export function packEntries(users: Uint32Array, items: Uint32Array, values: Float32Array): Uint32Array<ArrayBuffer> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length)
  const packed = new Uint32Array(3 * users.length)
  for (let e = 0; e < users.length; e++) {
    packed[3 * e] = users[e]!
    packed[3 * e + 1] = items[e]!
    packed[3 * e + 2] = bits[e]!
  }
  return packed
}

/** (user, item) of each pair. */
export function packPairs(users: Uint32Array, items: Uint32Array): Uint32Array<ArrayBuffer> {
  const packed = new Uint32Array(2 * users.length)
  for (let e = 0; e < users.length; e++) {
    packed[2 * e] = users[e]!
    packed[2 * e + 1] = items[e]!
  }
  return packed
}
