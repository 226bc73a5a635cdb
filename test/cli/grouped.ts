import { Random } from '../../src/data/random.ts'

export type Pair = readonly [user: string, item: string]

const groups = 4

/** Whether a user and an item, `u5` and `i9`, are of one group. */
export const sameGroup = (user: string, item: string) =>
  Number(user.slice(1)) % groups === Number(item.slice(1)) % groups

/**
 * Users `u0`, `u1`, ... who have most items `i0`, `i1`, ... of their group and hardly any of others. One item of each user's
 * group is held out.
 */
export function groupedPairs(users: number, items: number): { train: Pair[]; test: Pair[] } {
  const random = new Random(8)
  const train: Pair[] = []
  const test: Pair[] = []
  for (let u = 0; u < users; u++) {
    const held = u % items
    for (let i = 0; i < items; i++) {
      const pair = [`u${u}`, `i${i}`] as const
      if (i === held) test.push(pair)
      else if (random.uniform() < (sameGroup(...pair) ? 0.85 : 0.02)) train.push(pair)
    }
  }
  return { train, test }
}

/** A header and a pair a line. */
export const asCsv = (pairs: readonly Pair[]) => `user,item\n${pairs.map(pair => `${pair.join(',')}\n`).join('')}`

/** A line of each user and its items. */
export function asAdjacency(pairs: readonly Pair[]): string {
  const users = [...new Set(pairs.map(([user]) => user))]
  const line = (user: string) => [user, ...pairs.filter(pair => pair[0] === user).map(([, item]) => item)].join(' ')
  return users.map(user => `${line(user)}\n`).join('')
}
