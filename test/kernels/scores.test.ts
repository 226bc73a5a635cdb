import { describe, expect, it } from 'vitest'
import { Random } from '../../src/data/random.ts'
import { scores, scoresQuery } from '../../src/kernels/scores.ts'
import { scoreWorkgroups } from '../../src/kernels/shared.ts'
import type { ReferenceModel } from '../reference/score.ts'
import { scoreTable } from '../reference/scores.ts'
import { useGpu } from '../support/gpu.ts'
import { expectPoison, runKernel } from '../support/run-kernel.ts'
import {
  modelBuffers,
  randomModel,
  scoreConstants,
  scoreTolerance,
  scoreVariants,
  unknown,
} from '../support/scoring.ts'
import { expectClose } from '../support/tolerance.ts'

const device = useGpu()
const spare = 5

async function run(model: ReferenceModel, users: readonly number[], lanes = 1) {
  const count = users.length * model.items
  const result = await runKernel(device.gpu, scores, {
    constants: scoreConstants(model, lanes),
    workgroups: scoreWorkgroups(count, lanes),
    buffers: {
      ...modelBuffers(model),
      users: Uint32Array.from(users),
      scored: { words: count + spare },
      query: scoresQuery.pack({ user_count: users.length }),
    },
  })
  expectPoison(result.words('scored').subarray(count))
  return result.floats('scored').subarray(0, count)
}

async function expectScores(model: ReferenceModel, users: readonly number[], lanes: number): Promise<void> {
  const within = (at: number) => scoreTolerance(model, users[Math.floor(at / model.items)]!, at % model.items)
  expectClose('scores', await run(model, users, lanes), scoreTable(model, users), within)
}

describe('scores', () => {
  it.each(scoreVariants)('agree with the reference at rank $factors, $lanes lanes', async ({ factors, lanes }) => {
    const model = randomModel(new Random(factors), { users: 23, items: 31, factors })
    await expectScores(model, [3, 22, 0, 3, 7], lanes)
  })

  it.each([1, 63, 64, 65, 200])('agree with the reference over %i items', async items => {
    const model = randomModel(new Random(items), { users: 4, items, factors: 17 })
    for (const lanes of [1, 4]) await expectScores(model, [1, 3, 0], lanes)
  })

  it('of unknown users are mu + b_i', async () => {
    const model = randomModel(new Random(3), { users: 4, items: 40, factors: 17 })
    await expectScores(model, [unknown, 2, 4, unknown], 4)
  })

  it('come before the link', async () => {
    const model = randomModel(new Random(4), { users: 4, items: 40, factors: 17 })
    expect(await run({ ...model, bounded: true }, [0, 1])).toEqual(await run(model, [0, 1]))
  })

  it('have the same bits each time, and in any block of users', async () => {
    const model = randomModel(new Random(5), { users: 9, items: 70, factors: 64 })
    const together = await run(model, [4, 8, 2], 8)
    expect(await run(model, [4, 8, 2], 8)).toEqual(together)
    expect(await run(model, [8], 8)).toEqual(together.subarray(70, 140))
  })
})
