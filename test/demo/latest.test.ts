import { describe, expect, it, vi } from 'vitest'
import { debounced, latestOnly } from '../../demo/page/latest.ts'

/** Questions that are answered when the test says so. */
function listening() {
  const put: { question: string; answer: (text: string) => Promise<void> }[] = []
  const taken: [string, string][] = []
  const latest = latestOnly<string, string>(
    question =>
      new Promise(resolve => {
        const answer = async (text: string) => {
          resolve(text)
          await new Promise(setImmediate)
        }
        put.push({ question, answer })
      }),
    (answer, question) => taken.push([question, answer]),
  )
  return { latest, put, taken, questions: () => put.map(({ question }) => question) }
}

describe('latestOnly', () => {
  it('asks at once and takes the answer', async () => {
    const { latest, put, taken, questions } = listening()
    latest.ask('a')
    expect(questions()).toEqual(['a'])
    await put[0]!.answer('A')
    expect(taken).toEqual([['a', 'A']])
    latest.ask('b')
    await put[1]!.answer('B')
    expect(taken.at(-1)).toEqual(['b', 'B'])
  })

  it('has one question under way, then puts the newest and takes its answer alone', async () => {
    const { latest, put, taken, questions } = listening()
    for (const question of ['a', 'b', 'c']) latest.ask(question)
    expect(questions()).toEqual(['a'])
    await put[0]!.answer('A')
    expect(taken).toEqual([])
    expect(questions()).toEqual(['a', 'c'])
    await put[1]!.answer('C')
    expect(taken).toEqual([['c', 'C']])
  })

  it('drops what waits and the answer under way', async () => {
    const { latest, put, taken, questions } = listening()
    latest.ask('a')
    latest.ask('b')
    latest.drop()
    await put[0]!.answer('A')
    expect(questions()).toEqual(['a'])
    expect(taken).toEqual([])
    latest.ask('c')
    await put[1]!.answer('C')
    expect(taken).toEqual([['c', 'C']])
  })

  it('takes the answer to a question that is asked after a drop, while the dropped one is under way', async () => {
    const { latest, put, taken } = listening()
    latest.ask('a')
    latest.drop()
    latest.ask('b')
    await put[0]!.answer('A')
    await put[1]!.answer('B')
    expect(taken).toEqual([['b', 'B']])
  })
})

describe('debounced', () => {
  it('runs once, with the last argument, when calls have ceased; cancelled it does not', () => {
    vi.useFakeTimers()
    try {
      const run = vi.fn<(argument: number) => void>()
      const { call, cancel } = debounced(100, run)
      call(1)
      vi.advanceTimersByTime(99)
      call(2)
      vi.advanceTimersByTime(99)
      expect(run).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(run.mock.calls).toEqual([[2]])
      call(3)
      cancel()
      vi.advanceTimersByTime(1000)
      expect(run).toHaveBeenCalledTimes(1)
    } finally {
      vi.useRealTimers()
    }
  })
})
