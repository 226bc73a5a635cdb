import { InputError } from '../errors.ts'

export interface BprOptions {
  factors: number
  seed: number
  userLearningRate: number
  itemLearningRate: number
  biasLearningRate: number
  userRegularization: number
  itemRegularization: number
  biasRegularization: number
  /** Whether items have biases; users have none, which would not change their order of items. */
  biases: boolean
  /** w_j = (entries of j)^power for the draw of negatives: 0 all items alike, 1 by popularity. */
  negativePower: number
  /** Trains one side against the other, which stays as it is bit for bit. */
  only?: 'users' | 'items' | undefined
  /** With `only`: the rows to train; all others of that side stay as they are too. */
  rows?: Uint32Array | undefined
}

/** @throws InputError where a row is not in the table, or stands twice. */
export function checkRows(rows: Uint32Array, rowCount: number, side: 'users' | 'items'): void {
  const met = new Uint8Array(rowCount)
  for (const row of rows) {
    if (row >= rowCount) throw new InputError(`"rows" names row ${row} of ${rowCount} ${side}`)
    if (met[row] === 1) throw new InputError(`"rows" names row ${row} of the ${side} twice`)
    met[row] = 1
  }
}
