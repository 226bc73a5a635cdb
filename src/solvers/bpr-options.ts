import { InputError, OptionError } from '../errors.ts'

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

/**
 * @throws OptionError where rows are given, but not of which side
 * @throws InputError where a row is not in the table, or stands twice
 */
export function checkRows({ only, rows }: BprOptions, { userCount, itemCount }: RowCounts): void {
  if (rows === undefined) return
  if (only === undefined) throw new OptionError('rows', '"rows" needs "only": the side whose rows they are')
  const rowCount = only === 'users' ? userCount : itemCount
  const met = new Uint8Array(rowCount)
  for (const row of rows) {
    if (row >= rowCount) throw new InputError(`"rows" names row ${row} of ${rowCount} ${only}`)
    if (met[row] === 1) throw new InputError(`"rows" names row ${row} of the ${only} twice`)
    met[row] = 1
  }
}

interface RowCounts {
  userCount: number
  itemCount: number
}
