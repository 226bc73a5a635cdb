import { describe, expect, it } from 'vitest'
import type { TrainingView } from '../../demo/page/state.ts'
import {
  announcement,
  bestPoint,
  chartWords,
  comparison,
  meaning,
  secondsLeft,
  statusWords,
  timeWords,
} from '../../demo/page/training-words.ts'

const point = (epoch: number, heldOut: number, seconds = 1) =>
  ({ type: 'epoch', epoch, train: heldOut, heldOut, seconds, updatesPerSecond: 1e6 }) as const

const view = (changed: Partial<TrainingView>): TrainingView => ({
  status: 'running',
  settings: { model: 'explicit', solver: 'sgd', factors: 16, epochs: 20, seed: 1 },
  data: 'x',
  measure: 'RMSE',
  yardsticks: [
    { kind: 'mean', value: 1.1 },
    { kind: 'biases', value: 1 },
    { kind: 'floor', value: 0.8 },
  ],
  entries: { train: 90_000, heldOut: 10_000 },
  resolved: {},
  points: [],
  ...changed,
})

const curve = (...values: number[]) => values.map((value, index) => point(index + 1, value))

describe('secondsLeft', () => {
  it('is the epochs left at the pace of the last five', () => {
    const points = [point(1, 1, 100), ...[2, 3, 4, 5, 6].map(epoch => point(epoch, 1, 2))]
    expect(secondsLeft(view({ points }))).toBe(28)
  })

  it('is unknown before the first epoch and zero after the last', () => {
    expect(secondsLeft(view({}))).toBeUndefined()
    expect(timeWords(view({}), true)).toEqual({ name: 'Time left', value: 'not known yet' })
    expect(secondsLeft(view({ points: [point(20, 1)] }))).toBe(0)
  })
})

describe('bestPoint', () => {
  it('is the lowest error, or the highest rank measure, the earliest of equals', () => {
    const points = curve(1, 0.8, 0.9, 0.8)
    expect(bestPoint(view({ points }))?.epoch).toBe(2)
    expect(bestPoint(view({ points, measure: 'NDCG@10' }))?.epoch).toBe(1)
    expect(bestPoint(view({}))).toBeUndefined()
  })
})

describe('comparison', () => {
  it.each([
    [0.88, 1, '12% below biases alone'],
    [1.034, 1, '3.4% above biases alone'],
    [1.0001, 1, 'level with biases alone'],
    [2.3, 1, '2.3 times biases alone'],
    [1, 0, 'biases alone: 0.0000'],
  ])('%d against %d', (value, yardstick, words) => {
    expect(comparison(value, { kind: 'biases', value: yardstick })).toBe(words)
  })
})

describe('meaning', () => {
  it('compares the last epoch with the yardsticks', () => {
    expect(meaning(view({ status: 'finished', points: curve(1.05, 0.88) }))).toBe(
      'On ratings that it never saw, its predictions are typically off by 0.88 (RMSE): 20% below the global mean, 12% below biases alone, 10% above the noise floor.',
    )
  })

  it('says where more epochs did harm', () => {
    expect(meaning(view({ status: 'finished', points: curve(0.95, 0.85, 0.9) }))).toMatch(
      /best after epoch 2 .* try 2 epochs/,
    )
  })

  it('says where biases alone do as well', () => {
    expect(meaning(view({ status: 'stopped', points: curve(1.05, 1.02) }))).toMatch(
      /no better than biases alone: try more epochs/,
    )
  })

  it('speaks of ranks for an implicit model, where more is better', () => {
    const ranks = view({ measure: 'NDCG@10', yardsticks: [{ kind: 'popular', value: 0.1 }], points: curve(0.1, 0.25) })
    expect(meaning(ranks)).toBe(
      'It ranks what people picked next with an NDCG@10 of 0.250, 1 being perfect: 2.5 times popularity alone.',
    )
  })

  it('says what is left of a failure, and of no epoch', () => {
    expect(meaning(view({ status: 'failed', points: curve(1), keptEpoch: 1 }))).toMatch(/model of epoch 1 is kept/)
    expect(meaning(view({ status: 'failed', points: curve(1) }))).toMatch(/gave no model/)
    expect(meaning(view({ status: 'stopped' }))).toMatch(/no model of this training/)
  })
})

describe('announcement', () => {
  it('says the start, each quarter and the end, and nothing between', () => {
    const said: string[] = []
    let before: TrainingView | undefined
    const hear = (now: TrainingView) => {
      const text = announcement(before, now)
      if (text !== undefined) said.push(text)
      before = now
    }
    hear(view({ status: 'preparing' }))
    for (let epochs = 0; epochs <= 20; epochs++) hear(view({ points: curve(...new Array<number>(epochs).fill(0.9)) }))
    hear(view({ status: 'finished', points: curve(...new Array<number>(20).fill(0.9)) }))
    expect(said).toEqual([
      'Training started: 90,000 entries, 20 epochs.',
      'Epoch 5 of 20: RMSE 0.9000 on what is held out.',
      'Epoch 10 of 20: RMSE 0.9000 on what is held out.',
      'Epoch 15 of 20: RMSE 0.9000 on what is held out.',
      expect.stringMatching(/^Finished: 20 epochs\. On ratings/),
    ])
  })

  it('says a pause, its end and a failure', () => {
    const points = curve(0.9)
    const paused = view({ status: 'paused', points })
    expect(announcement(view({ status: 'pausing', points }), paused)).toBe('Paused after epoch 1.')
    expect(announcement(paused, view({ points }))).toBe('Training goes on.')
    expect(announcement(view({ points }), view({ status: 'failed', points, keptEpoch: 1 }))).toMatch(
      /^Training failed\. .* kept/,
    )
  })
})

it('names every state', () => {
  const states = [
    'idle',
    'preparing',
    'running',
    'pausing',
    'paused',
    'stopping',
    'finished',
    'stopped',
    'failed',
  ] as const
  const words = states.map(status => statusWords(view({ status, points: curve(1) })))
  expect(new Set(words).size).toBe(states.length)
  expect(statusWords(view({ status: 'pausing' }))).toBe('Pausing after this epoch')
})

it('describes the chart, empty, with one epoch and with more', () => {
  expect(chartWords(view({}))).toMatch(/empty so far\. Yardsticks: the global mean 1\.1000, biases alone 1\.0000/)
  expect(chartWords(view({ points: curve(0.9) }))).toMatch(/: 0\.9000 over epoch 1\./)
  expect(chartWords(view({ points: curve(0.9, 0.85) }))).toMatch(/from 0\.9000 to 0\.8500 over epochs 1 to 2\./)
})
