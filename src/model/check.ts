import { checkUnique } from '../data/ids.ts'
import type { SeenItems } from '../data/seen.ts'
import { InputError, type InputPlace } from '../errors.ts'
import type { ModelParts } from './parts.ts'

/**
 * Checks that the parts of a model fit one another and hold finite numbers, so that whatever is written can be read
 * again, and whatever is read can be used.
 * @throws InputError naming the part.
 */
export function checkParts(parts: ModelParts, place: InputPlace = {}): void {
  const { factors, userIds, itemIds, userBias, itemBias, mean, range, seen } = parts
  const check = (holds: boolean, problem: string) => {
    if (!holds) throw new InputError(problem, place)
  }
  const [users, items] = [userIds.size, itemIds.size]
  check(users > 0 && items > 0, `a model of ${users} users and ${items} items; expected at least one of each`)
  check(Number.isSafeInteger(factors) && factors > 0, `the rank is ${factors}; expected a positive integer`)
  check(
    userBias === undefined || itemBias !== undefined,
    'users have biases and items none; expected both, or items alone',
  )
  for (const [name, values, length] of [
    ['user factors', parts.userFactors, users * factors],
    ['item factors', parts.itemFactors, items * factors],
    ['user biases', userBias, users],
    ['item biases', itemBias, items],
  ] as const) {
    if (values === undefined) continue
    check(values.length === length, `there are ${values.length} ${name}; expected ${length}`)
    for (let at = 0; at < length; at++) {
      if (!Number.isFinite(values[at])) check(false, `the ${name} hold ${values[at]} at ${at}; expected finite numbers`)
    }
  }
  check(Number.isFinite(mean), `the mean is ${mean}; expected a finite number`)
  const ranged = Number.isFinite(range.min) && Number.isFinite(range.max) && range.min <= range.max
  check(ranged, `the range of ratings is ${range.min} to ${range.max}; expected finite numbers, ascending`)
  checkUnique('user', userIds, place)
  checkUnique('item', itemIds, place)
  if (seen !== undefined) checkSeen(seen, users, items, check)
}

function checkSeen(
  { offsets, items }: SeenItems,
  userCount: number,
  itemCount: number,
  check: (holds: boolean, problem: string) => void,
): void {
  check(offsets.length === userCount + 1, `the seen items have ${offsets.length} offsets; expected ${userCount + 1}`)
  const [first, last] = [offsets[0], offsets[userCount]]
  check(first === 0 && last === items.length, `the seen items run from ${first} to ${last}, not 0 to ${items.length}`)
  for (let u = 0; u < userCount; u++) {
    const [begin, end] = [offsets[u]!, offsets[u + 1]!]
    if (end < begin || end > items.length) check(false, `the offsets of the seen items are not ascending at user ${u}`)
    for (let at = begin; at < end; at++) {
      if (items[at]! >= itemCount) check(false, `user ${u} has seen item ${items[at]} of ${itemCount}`)
      if (at > begin && items[at]! <= items[at - 1]!) check(false, `the seen items of user ${u} are not ascending`)
    }
  }
}
