import type { Capabilities } from '../gpu/capabilities.ts'
import { errorsSpan } from '../kernels/errors.ts'
import { predictionsSpan } from '../kernels/predictions.ts'
import { lanesFor, scoreWorkgroups } from '../kernels/shared.ts'
import { modelStruct } from '../kernels/structs.ts'
import { cutRows } from '../layout/shards.ts'
import type { BufferPlan } from './buffer-plan.ts'
import { entryBytes, pieceLength } from './scorer.ts'
import { planSums } from './sums.ts'

/**
 * The buffers of a `Scorer` that measures errors over so many entries again and again.
 * @param shards of either side of the tables
 */
export function planErrors(
  plan: BufferPlan,
  { entries, factors, shards }: { entries: number; factors: number; shards: { users: number; items: number } },
  { adapter }: Pick<Capabilities, 'adapter'>,
): void {
  const kind = 'validation'
  const groups = shards.users * shards.items
  const lanes = lanesFor(factors, adapter)
  plan.uniform(kind, 'model', modelStruct.size, groups)
  for (const { rows: length } of cutRows(entries, Math.min(pieceLength, plan.mostRows('entries', entryBytes)))) {
    planSums(plan, kind, 'errors', scoreWorkgroups(length, lanes))
    plan.uniform(kind, 'errors span', errorsSpan.size)
    if (groups === 1) {
      plan.storage(kind, 'entries to evaluate', entryBytes * length)
      continue
    }
    plan.storage(kind, 'pairs', 8 * length)
    for (const what of ['predicted', 'places of predictions', 'values to evaluate'])
      plan.storage(kind, what, 4 * length)
    plan.uniform(kind, 'predictions span', predictionsSpan.size, groups)
  }
}
