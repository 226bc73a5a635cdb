/** Directions kept beside those asked for: they make the iteration converge by the gap behind them. */
const GUARDS = 8
const MOST_ROUNDS = 300
const TOLERANCE = 1e-10

export interface PrincipalAxes {
  /** count x k, row-major: unit vectors at right angles. */
  axes: Float64Array
  /** Eigenvalues, descending. */
  values: Float64Array
}

/**
 * The eigenvectors of the largest eigenvalues of a symmetric matrix without negative eigenvalues, as a covariance is, by
 * subspace iteration with Rayleigh-Ritz steps (Golub and Van Loan, Matrix Computations, 8.2.4): V <- orth(C V), then V is
 * rotated to the eigenvectors of V' C V. Ends when |C v - lambda v| <= 1e-10 lambda_1 for each vector asked for.
 *
 * The same matrix gives the same bits. Of the two signs of a vector, the one that makes its largest component positive.
 * O(k^2) a round.
 * @param matrix k x k, row-major
 * @param count vectors asked for, at most k
 */
export function principalAxes(matrix: Float64Array, k: number, count: number): PrincipalAxes {
  const size = Math.min(k, count + GUARDS)
  const basis = startingVectors(size, k)
  orthonormalize(basis, size, k)
  let values: Float64Array = new Float64Array(size)
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const image = timesSymmetric(matrix, basis, size, k)
    const ritz = jacobi(products(basis, image, size, k), size)
    values = ritz.values
    const vectors = rotate(ritz.vectors, basis, size, k)
    const images = rotate(ritz.vectors, image, size, k)
    const settled = worstResidual(vectors, images, values, count, k) <= TOLERANCE * Math.max(0, values[0]!)
    basis.set(settled || size === k ? vectors : images)
    if (settled || size === k) break
    orthonormalize(basis, size, k)
  }
  const axes = basis.slice(0, count * k)
  for (let v = 0; v < count; v++) fixSign(axes.subarray(v * k, (v + 1) * k))
  return { axes, values: values.slice(0, count) }
}

/** Vectors that no matrix of practice is orthogonal to, the same every time. */
function startingVectors(size: number, k: number): Float64Array {
  const golden = (Math.sqrt(5) - 1) / 2
  return Float64Array.from({ length: size * k }, (_, at) => (((at + 1) * golden) % 1) - 0.5)
}

/** Modified Gram-Schmidt, twice, which is enough (Giraud and Langou, 2002); a vector that vanishes becomes an axis. */
function orthonormalize(vectors: Float64Array, size: number, k: number): void {
  for (let v = 0; v < size; v++) {
    const row = vectors.subarray(v * k, (v + 1) * k)
    let axis = 0
    for (;;) {
      const before = Math.sqrt(dot(row, row))
      if (before > 0) for (let a = 0; a < k; a++) row[a]! /= before
      for (let pass = 0; pass < 2; pass++) {
        for (let w = 0; w < v; w++) {
          const other = vectors.subarray(w * k, (w + 1) * k)
          const along = dot(row, other)
          for (let a = 0; a < k; a++) row[a]! -= along * other[a]!
        }
      }
      const left = Math.sqrt(dot(row, row))
      if (left > 1e-8) {
        for (let a = 0; a < k; a++) row[a]! /= left
        break
      }
      row.fill(0)
      row[axis++] = 1
    }
  }
}

/** Each vector times the matrix. */
function timesSymmetric(matrix: Float64Array, vectors: Float64Array, size: number, k: number): Float64Array {
  const image = new Float64Array(size * k)
  for (let v = 0; v < size; v++) {
    const row = vectors.subarray(v * k, (v + 1) * k)
    for (let a = 0; a < k; a++) image[v * k + a] = dot(matrix.subarray(a * k, (a + 1) * k), row)
  }
  return image
}

/** size x size products of the rows of two tables. */
function products(left: Float64Array, right: Float64Array, size: number, k: number): Float64Array {
  const out = new Float64Array(size * size)
  for (let v = 0; v < size; v++) {
    for (let w = 0; w < size; w++) {
      out[v * size + w] = dot(left.subarray(v * k, (v + 1) * k), right.subarray(w * k, (w + 1) * k))
    }
  }
  return out
}

/** Row v of the result: the sum over w of rotation[v, w] times row w. */
function rotate(rotation: Float64Array, rows: Float64Array, size: number, k: number): Float64Array {
  const out = new Float64Array(size * k)
  for (let v = 0; v < size; v++) {
    for (let w = 0; w < size; w++) {
      const factor = rotation[v * size + w]!
      for (let a = 0; a < k; a++) out[v * k + a]! += factor * rows[w * k + a]!
    }
  }
  return out
}

/** Eigenvectors (as rows) and eigenvalues of a small symmetric matrix, descending, by cyclic Jacobi rotations. */
function jacobi(matrix: Float64Array, size: number): { vectors: Float64Array; values: Float64Array } {
  const a = matrix.slice()
  const vectors = new Float64Array(size * size)
  for (let v = 0; v < size; v++) vectors[v * size + v] = 1
  const scale = Math.hypot(...a)
  for (let sweep = 0; sweep < 50; sweep++) {
    let off = 0
    for (let p = 0; p < size; p++) for (let q = p + 1; q < size; q++) off = Math.max(off, Math.abs(a[p * size + q]!))
    if (off <= 1e-15 * scale) break
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) {
        const apq = a[p * size + q]!
        if (apq === 0) continue
        const theta = (a[q * size + q]! - a[p * size + p]!) / (2 * apq)
        const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.hypot(theta, 1))
        const cosine = 1 / Math.hypot(t, 1)
        turnRows(a, size, p, q, cosine, t * cosine)
        turnColumns(a, size, p, q, cosine, t * cosine)
        turnRows(vectors, size, p, q, cosine, t * cosine)
      }
    }
  }
  const order = Array.from({ length: size }, (_, v) => v).sort((v, w) => a[w * size + w]! - a[v * size + v]!)
  return {
    vectors: Float64Array.from({ length: size * size }, (_, at) => {
      return vectors[order[Math.floor(at / size)]! * size + (at % size)]!
    }),
    values: Float64Array.from(order, v => a[v * size + v]!),
  }
}

function turnRows(a: Float64Array, size: number, p: number, q: number, c: number, s: number): void {
  for (let j = 0; j < size; j++) {
    const [x, y] = [a[p * size + j]!, a[q * size + j]!]
    a[p * size + j] = c * x - s * y
    a[q * size + j] = s * x + c * y
  }
}

function turnColumns(a: Float64Array, size: number, p: number, q: number, c: number, s: number): void {
  for (let i = 0; i < size; i++) {
    const [x, y] = [a[i * size + p]!, a[i * size + q]!]
    a[i * size + p] = c * x - s * y
    a[i * size + q] = s * x + c * y
  }
}

function worstResidual(vectors: Float64Array, images: Float64Array, values: Float64Array, count: number, k: number) {
  let worst = 0
  for (let v = 0; v < count; v++) {
    let squares = 0
    for (let at = v * k; at < (v + 1) * k; at++) squares += (images[at]! - values[v]! * vectors[at]!) ** 2
    worst = Math.max(worst, Math.sqrt(squares))
  }
  return worst
}

function dot(left: Float64Array, right: Float64Array): number {
  let sum = 0
  for (let a = 0; a < left.length; a++) sum += left[a]! * right[a]!
  return sum
}

function fixSign(vector: Float64Array): void {
  let largest = 0
  for (const component of vector) if (Math.abs(component) > Math.abs(largest)) largest = component
  if (largest < 0) for (let a = 0; a < vector.length; a++) vector[a]! *= -1
}
