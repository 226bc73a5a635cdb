import { bufferKinds } from '../model/buffer-plan.ts'
import type { TrainingPlan } from '../train/plan-training.ts'
import { count, counted, facts, bytes as inBytes, seconds as inSeconds } from './format.ts'

/** What Node, Dawn and, where the GPU is software, its compiler take before there is any data. */
const processBytes = 180 * 2 ** 20

/** Bytes of the process at its peak, with so many entries to test on; a software GPU's buffers are in it. */
export function processPeak({ hostBytes, gpuBytes }: TrainingPlan, software: boolean, test: number): number {
  return processBytes + hostBytes.total + 12 * test + (software ? gpuBytes.total : 0)
}

/** What a training would take, a line a thing. */
export function planText(plan: TrainingPlan, software: boolean, test: number): string {
  const { shards, steps, passes, dispatches, gpuBytes, hostBytes, streamed, secondsPerEpoch, options } = plan
  const kinds = bufferKinds
    .filter(kind => gpuBytes[kind] > 0)
    .map(kind => [`  ${kind}`, inBytes(gpuBytes[kind])] as const)
  const tables = `users in ${counted(shards.users, 'buffer')}, items in ${counted(shards.items, 'buffer')}`
  return facts([
    ['users, items', `${count(plan.users)}, ${count(plan.items)}; ${tables}`],
    ['entries', `${count(plan.entries.train)} to train on, ${count(plan.entries.validation)} to validate on`],
    ['GPU memory', `${inBytes(gpuBytes.total)}${streamed ? ', the entries streamed in each epoch' : ''}`],
    ...kinds,
    ...(gpuBytes.least < gpuBytes.total ? [['  least, entries streamed', inBytes(gpuBytes.least)] as const] : []),
    ['process memory', `about ${inBytes(processPeak(plan, software, test))}`],
    ['  arrays', inBytes(hostBytes.total)],
    [
      'an epoch',
      `${count(steps.count)} ${steps.kind}, ${counted(passes, 'pass')} over the entries, ${counted(dispatches, 'dispatch')}`,
    ],
    ...(secondsPerEpoch === undefined
      ? []
      : [
          [
            'time',
            `about ${seconds(secondsPerEpoch)} an epoch, ${seconds(options.epochs * secondsPerEpoch)} for ${counted(options.epochs, 'epoch')}`,
          ] as const,
        ]),
  ])
}

/** Short times keep two digits. */
function seconds(value: number): string {
  return value < 0.095 ? `${Number(value.toPrecision(2))} s` : inSeconds(value)
}
