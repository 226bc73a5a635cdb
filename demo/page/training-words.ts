import type { Measure, Yardstick } from '../engine/messages.ts'
import { counted, measure as digits, duration, whole } from './format.ts'
import type { EpochPoint, TrainingView } from './state.ts'

/** What a training says of itself, in words and figures. */

export const yardstickNames: Record<Yardstick['kind'], string> = {
  mean: 'the global mean',
  biases: 'biases alone',
  popular: 'popularity alone',
  floor: 'the noise floor',
}

/** What the yardsticks are, for those who meet them first. */
export const yardstickHints: Record<Yardstick['kind'], string> = {
  mean: 'the same guess for every rating',
  biases: 'how generous a user and how liked an item is, no factors',
  popular: 'the same popular items for everybody',
  floor: 'nobody can beat this',
}

const lessIsBetter = (measure: Measure): boolean => measure === 'RMSE'

/** The epoch with the best measure on the entries held out. */
export function bestPoint({ points, measure }: Pick<TrainingView, 'points' | 'measure'>): EpochPoint | undefined {
  let best: EpochPoint | undefined
  for (const point of points) {
    const better =
      best === undefined || (lessIsBetter(measure) ? point.heldOut < best.heldOut : point.heldOut > best.heldOut)
    if (better) best = point
  }
  return best
}

/** Seconds that the epochs left will take, as the last five took; undefined before the first. */
export function secondsLeft({ points, settings }: Pick<TrainingView, 'points' | 'settings'>): number | undefined {
  const recent = points.slice(-5)
  const last = recent.at(-1)
  if (last === undefined) return undefined
  const each = recent.reduce((sum, { seconds }) => sum + seconds, 0) / recent.length
  return Math.max(0, settings.epochs - last.epoch) * each
}

export const secondsTaken = ({ points }: Pick<TrainingView, 'points'>): number =>
  points.reduce((sum, { seconds }) => sum + seconds, 0)

/** A value against a yardstick: 12% below biases alone, 2.3 times popularity alone. */
export function comparison(value: number, { kind, value: yardstick }: Yardstick): string {
  const name = yardstickNames[kind]
  const ratio = value / yardstick
  if (!Number.isFinite(ratio)) return `${name}: ${digits(yardstick)}`
  if (ratio >= 2) return `${ratio.toFixed(1)} times ${name}`
  const share = 100 * Math.abs(ratio - 1)
  if (share < 0.05) return `level with ${name}`
  return `${share.toFixed(share < 9.95 ? 1 : 0)}% ${ratio < 1 ? 'below' : 'above'} ${name}`
}

/** What a training does now. */
export function statusWords({ status, points, settings }: TrainingView): string {
  const epoch = points.at(-1)?.epoch
  switch (status) {
    case 'idle':
      return 'Not trained yet'
    case 'preparing':
      return 'Preparing: splitting and packing the ratings, sending them to the GPU'
    case 'running':
      return epoch === undefined ? 'Training the first epoch' : 'Training'
    case 'pausing':
      return 'Pausing after this epoch'
    case 'paused':
      return epoch === undefined ? 'Paused before the first epoch' : `Paused after epoch ${whole(epoch)}`
    case 'stopping':
      return 'Stopping'
    case 'finished':
      return `Finished: ${counted(settings.epochs, 'epoch')}`
    case 'stopped':
      return epoch === undefined ? 'Stopped before the first epoch' : `Stopped after epoch ${whole(epoch)}`
    case 'failed':
      return 'Failed'
  }
}

/** What the result of an ended training means. */
export function meaning(view: TrainingView): string {
  const { points, measure, yardsticks, status } = view
  const last = points.at(-1)
  if (last === undefined) return 'No epoch was finished, so there is no model of this training.'
  if (status === 'failed') {
    return view.keptEpoch === undefined
      ? 'This training gave no model.'
      : `The model of epoch ${whole(view.keptEpoch)} is kept.`
  }
  const against = yardsticks.map(yardstick => comparison(last.heldOut, yardstick)).join(', ')
  const standing = against === '' ? '' : `: ${against}`
  const explicit = lessIsBetter(measure)
  const said = explicit
    ? `On ratings that it never saw, its predictions are typically off by ${last.heldOut.toFixed(2)} (RMSE)${standing}.`
    : `It ranks what people picked next with an NDCG@10 of ${last.heldOut.toFixed(3)}, 1 being perfect${standing}.`
  return [said, advice(view, last)].filter(text => text !== undefined).join(' ')
}

/** What to try next, where the curve says it. */
function advice(view: TrainingView, last: EpochPoint): string | undefined {
  const { measure, yardsticks, settings } = view
  const explicit = lessIsBetter(measure)
  const best = bestPoint(view)!
  const lost = explicit ? last.heldOut / best.heldOut - 1 : best.heldOut / last.heldOut - 1
  if (lost > 0.01) {
    return `It was best after epoch ${whole(best.epoch)} and learnt by heart since: try ${counted(best.epoch, 'epoch')} or a larger penalty.`
  }
  const simple = yardsticks.find(({ kind }) => kind === (explicit ? 'biases' : 'popular'))
  if (simple === undefined || (explicit ? last.heldOut < simple.value : last.heldOut > simple.value)) return undefined
  return `That is no better than ${yardstickNames[simple.kind]}: try ${settings.solver === 'als' ? 'another penalty' : 'more epochs'} or fewer factors.`
}

/** What is said to those who listen when a training changes; nothing for most of its epochs. */
export function announcement(before: TrainingView | undefined, now: TrainingView): string | undefined {
  const { status, points, settings, measure } = now
  const last = points.at(-1)
  if (before?.status !== status) {
    if (status === 'running') return before?.status === 'preparing' ? started(now) : 'Training goes on.'
    if (status === 'paused') return `${statusWords(now)}.`
    if (status === 'finished' || status === 'stopped') return `${statusWords(now)}. ${meaning(now)}`
    if (status === 'failed') return `Training failed. ${meaning(now)}`
    return undefined
  }
  const quarter = (epoch: number) => Math.floor((4 * epoch) / settings.epochs)
  const passed = quarter(last?.epoch ?? 0)
  if (last === undefined || settings.epochs < 4 || passed === 4) return undefined
  if (passed === quarter(before.points.at(-1)?.epoch ?? 0)) return undefined
  return `Epoch ${whole(last.epoch)} of ${whole(settings.epochs)}: ${measure} ${digits(last.heldOut)} on what is held out.`
}

const started = ({ entries, settings }: TrainingView): string =>
  `Training started: ${counted(entries.train, 'entry', 'entries')}, ${counted(settings.epochs, 'epoch')}.`

/** The chart in one sentence. */
export function chartWords(view: TrainingView): string {
  const { points, measure, yardsticks } = view
  const first = points[0]
  const last = points.at(-1)
  const yards = yardsticks.map(({ kind, value }) => `${yardstickNames[kind]} ${digits(value)}`).join(', ')
  const against = yards === '' ? '' : ` Yardsticks: ${yards}.`
  if (first === undefined || last === undefined) return `Chart of the ${measure} by epoch, empty so far.${against}`
  const way = first === last ? digits(last.heldOut) : `from ${digits(first.heldOut)} to ${digits(last.heldOut)}`
  const from = first === last ? `epoch ${whole(last.epoch)}` : `epochs ${whole(first.epoch)} to ${whole(last.epoch)}`
  return `Chart of the ${measure} on what is held out: ${way} over ${from}.${against}`
}

/** The time that a training took or has left, for its figures. */
export function timeWords(view: TrainingView, underWay: boolean): { name: string; value: string } {
  if (!underWay) return { name: 'Time taken', value: duration(secondsTaken(view)) }
  const left = secondsLeft(view)
  return { name: 'Time left', value: left === undefined ? 'not known yet' : `about ${duration(left)}` }
}
