import { rowCounts } from '../data/row-counts.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { occupiedRows } from '../layout/rows.ts'
import { sumOf } from '../layout/step-slots.ts'
import type { FactorTables, Parameters } from '../model/tables.ts'
import { createSolver } from './create-solver.ts'
import { extrapolate, type Timed } from './extrapolation.ts'
import { drawn, type Sample, type Sampling, samplingsOf } from './samples.ts'
import { StateKeeper } from './state-keeper.ts'
import type { TrainingSetup } from './training-setup.ts'
import { type RankedEntries, type ValidationMeter, validateErrors, validateRanking } from './validation.ts'

/**
 * Epochs of a sample that are timed after one that is not, which compiles and warms up, and the seconds that they take
 * together at least, unless there are that many; the one in the middle counts.
 */
const timed = { epochs: 3, seconds: 0.4, mostEpochs: 15 }

/** Entries, and users, that validation is timed on at most. */
const validated = { entries: 250_000, users: 1000 }

export interface CalibrationExtras {
  /** Whether each epoch's tables are copied for the case that the next one ends early. */
  resumable?: boolean | undefined
  /** Bytes that the entries may take, where they are streamed, and those that two slots of the largest step take. */
  streamed?: { entryBytes: number; leastBytes: number } | undefined
  signal?: AbortSignal | undefined
}

/**
 * Seconds that an epoch is going to take on this GPU, all that belongs to it included: the training's own solver runs on
 * samples of its work, of two sizes, and what an epoch takes whatever its entries and what it takes for each follow from them.
 * @throws LimitExceededError, OutOfMemoryError, DeviceLostError; the signal's reason
 */
export async function calibrate(gpu: Gpu, setup: TrainingSetup, extras: CalibrationExtras = {}): Promise<number> {
  const { train, options } = setup
  const whole = { train, options, counts: rowCounts(train), entries: train.length }
  let seconds = 0
  for (const [part, sampling] of samplingsOf(whole, gpu.capabilities).entries()) {
    const { units, phase } = sampling
    const time = (wanted: number) => timeSample(gpu, setup, sampling.take(wanted), { ...extras, phase, whole: units })
    const { work, rest } = await extrapolate(sampling, time)
    seconds += work + (part === 0 ? rest : 0)
  }
  return seconds
}

async function timeSample(
  gpu: Gpu,
  setup: TrainingSetup,
  { entries, chosen, units }: Sample,
  { resumable, streamed, signal, phase, whole }: CalibrationExtras & Pick<Sampling, 'phase'> & { whole: number },
): Promise<Timed> {
  const { options, scale } = setup
  const initial = anyParameters(setup)
  // The sample's share of the room, so that it goes up in pieces of the same size.
  const room = streamed && { entryBytes: Math.max(streamed.leastBytes, (streamed.entryBytes * units) / whole) }
  const solver = await createSolver(gpu, entries, scale, () => initial, options, room, chosen)
  const made: { destroy(): void }[] = [solver]
  try {
    const keeper = await StateKeeper.create(gpu, solver.tables, initial)
    made.push(keeper)
    const goesBack = resumable === true || options.onDivergence === 'halve-rate'
    const snapshot = goesBack ? await solver.state.snapshot() : undefined
    if (snapshot !== undefined) made.push(snapshot)
    const validation = await timeValidation(gpu, setup, solver.tables, signal)
    const works: number[] = []
    const rests: number[] = []
    for (let epoch = 0; !isEnough(works); epoch++) {
      const began = performance.now()
      const { phases } = await solver.runEpoch({ epoch, rateScale: 1, signal })
      const worked = performance.now()
      await keeper.keep(solver.tables, epoch + 1)
      await snapshot?.take()
      const ended = performance.now()
      if (epoch === 0) continue
      works.push(phase === undefined ? (worked - began) / 1000 : phases![phase]!)
      rests.push((ended - worked) / 1000 + validation)
    }
    return { units, work: middle(works), rest: middle(rests) }
  } finally {
    for (const part of made) part.destroy()
  }
}

/** Seconds of one validation, from a share of its entries or users. */
async function timeValidation(
  gpu: Gpu,
  { ranked, scale, validation }: TrainingSetup,
  tables: FactorTables,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (ranked !== undefined) {
    const { sample, share } = someUsers(ranked)
    return (await timeMeter(validateRanking(gpu, tables, scale, sample), signal)) / share
  }
  if (validation === undefined) return 0
  const count = Math.min(validation.length, validated.entries)
  const entries = drawn(validation, count, 0)
  const meter = await validateErrors(gpu, tables, scale, { entries, pieceByPiece: false })
  return (await timeMeter(meter, signal)) * (validation.length / count)
}

async function timeMeter(meter: ValidationMeter, signal: AbortSignal | undefined): Promise<number> {
  try {
    const seconds: number[] = []
    for (let run = 0; !isEnough(seconds); run++) {
      const began = performance.now()
      await meter.measure(signal)
      if (run > 0) seconds.push((performance.now() - began) / 1000)
    }
    return middle(seconds)
  } finally {
    meter.destroy()
  }
}

function isEnough(seconds: readonly number[]): boolean {
  const { length } = seconds
  return length >= timed.mostEpochs || (length >= timed.epochs && sumOf(seconds) >= timed.seconds)
}

const middle = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!

/** The entries of some of the users that are ranked for, and their share. */
function someUsers({ entries, seen }: RankedEntries): { sample: RankedEntries; share: number } {
  const counts = rowCounts(entries).users
  const users = occupiedRows(counts)
  const step = Math.max(1, users / validated.users)
  const chosen = new Uint8Array(counts.length)
  let place = 0
  let taken = 0
  counts.forEach((count, user) => {
    if (count === 0 || place++ < taken * step) return
    chosen[user] = 1
    taken++
  })
  const own = Uint32Array.from(entries.users.keys()).filter(entry => chosen[entries.users[entry]!] === 1)
  return { sample: { entries: entries.select(own), seen }, share: taken / users }
}

/** Parameters of the right size: what they are has no bearing on how long an epoch takes. */
function anyParameters({ train, options: { factors, initStd } }: TrainingSetup): Parameters {
  const some = (length: number) => {
    const numbers = new Float32Array(length)
    for (let at = 0; at < length; at++) numbers[at] = initStd * (((at * 7) % 31) / 15 - 1)
    return numbers
  }
  const { userCount, itemCount } = train
  return {
    userFactors: some(userCount * factors),
    itemFactors: some(itemCount * factors),
    userBias: new Float32Array(userCount),
    itemBias: new Float32Array(itemCount),
  }
}
