import type { SeenItems } from '../data/seen.ts'
import type { Scorer } from './scorer.ts'
import { topK } from './top-k.ts'

export interface RankingMask {
  /** Items that each of the model's users is not to be ranked against: by default those of its training entries. */
  seen?: SeenItems | undefined
  /** 1 for each item that may not appear. */
  denied?: Uint8Array | undefined
  signal?: AbortSignal | undefined
}

export interface RankOptions extends RankingMask {
  /** Items asked for; fewer come back where fewer are left. */
  k: number
}

/** The best items of a block of users, best first, ties by item. */
export interface RankedBlock {
  /** Dense indices. */
  users: Uint32Array
  k: number
  /** users x k dense indices; UNKNOWN past a user's count. */
  items: Uint32Array
  /** users x k, before the link and unclipped; -infinity past a user's count. */
  scores: Float32Array
  /** Items found for each user. */
  counts: Uint32Array
  /** Time that the GPU was at work on the block, where it tells. */
  gpuSeconds?: number | undefined
}

/** Where positives stand among the items that they compete with: those neither positive nor seen nor denied. */
export interface PositiveRanks {
  /** Of each positive: how many of them have a higher score. */
  above: Uint32Array
  /** Of each positive: how many of them have the same score. */
  equal: Uint32Array
  /** Of each user: how many there are. */
  negatives: Uint32Array
}

/** Ranks items for users. */
export class Ranker {
  readonly #scorer: Scorer
  readonly #items: number

  constructor(scorer: Scorer, items: number) {
    this.#scorer = scorer
    this.#items = items
  }

  async *rank(users: Uint32Array, { k, seen, denied, signal }: RankOptions): AsyncGenerator<RankedBlock> {
    const blockUsers = Math.max(1, Math.floor((16 * 2 ** 20) / this.#items))
    for (let start = 0; start < users.length; start += blockUsers) {
      signal?.throwIfAborted()
      const rows = users.slice(start, start + blockUsers)
      const scores = await this.#scorer.scores(rows)
      const items = new Uint32Array(rows.length * k).fill(0xffffffff)
      const best = new Float32Array(rows.length * k).fill(Number.NEGATIVE_INFINITY)
      const counts = new Uint32Array(rows.length)
      rows.forEach((user, place) => {
        const own = scores.subarray(place * this.#items, (place + 1) * this.#items)
        const out = new Set(seen?.items.subarray(seen.offsets[user]!, seen.offsets[user + 1]!))
        const list = topK(own, k, item => denied?.[item] !== 1 && !out.has(item))
        items.set(list, place * k)
        best.set(
          Float32Array.from(list, item => own[item]!),
          place * k,
        )
        counts[place] = list.length
      })
      yield { users: rows, k, items, scores: best, counts }
    }
  }

  async positives(
    users: Uint32Array,
    { offsets, items }: SeenItems,
    { seen, denied, signal }: RankingMask,
  ): Promise<PositiveRanks> {
    const above = new Uint32Array(items.length)
    const equal = new Uint32Array(items.length)
    const negatives = new Uint32Array(users.length)
    for (const [place, user] of users.entries()) {
      signal?.throwIfAborted()
      const scores = await this.#scorer.scores(Uint32Array.of(user))
      const own = items.subarray(offsets[place]!, offsets[place + 1]!)
      const out = new Set([...(seen?.items.subarray(seen.offsets[user]!, seen.offsets[user + 1]!) ?? []), ...own])
      for (let item = 0; item < this.#items; item++) {
        if (denied?.[item] === 1 || out.has(item)) continue
        negatives[place]!++
        own.forEach((positive, at) => {
          above[offsets[place]! + at]! += Number(scores[item]! > scores[positive]!)
          equal[offsets[place]! + at]! += Number(scores[item]! === scores[positive]!)
        })
      }
    }
    return { above, equal, negatives }
  }
}
