import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Fault, Outcome, Settings, TrainUpdate } from '../../demo/engine/messages.ts'
import { Session } from '../../demo/engine/session.ts'
import { type Gpu, Model } from '../../src/index.ts'
import { openGpu } from '../../src/node/index.ts'

const opened: Gpu[] = []

async function openCounted(): Promise<Gpu> {
  const gpu = await openGpu()
  opened.push(gpu)
  return gpu
}

const settings: Settings = { solver: 'sgd', model: 'explicit', factors: 8, epochs: 8, seed: 1 }

function valueIn<T>(outcome: Outcome<T>): T {
  if (!outcome.ok) throw new Error(`${outcome.fault.kind}: ${outcome.fault.message}`)
  return outcome.value
}

function faultIn(outcome: Outcome<unknown>): Fault {
  if (outcome.ok) throw new Error('this should have failed')
  return outcome.fault
}

const epochsOf = (updates: readonly TrainUpdate[]) =>
  updates.flatMap(update => (update.type === 'epoch' ? [update.epoch] : []))

/** A session with planted movies, and a way to train it that hears of what happens. */
async function planted(open = openCounted, entries = 20_000) {
  const session = new Session(open)
  valueIn(await session.open())
  valueIn(await session.plant({ entries, seed: 3 }))
  const updates: TrainUpdate[] = []
  const train = (changed: Partial<Settings> = {}, onUpdate: (update: TrainUpdate) => void = () => {}, goOn = false) =>
    session.train({ ...settings, ...changed }, goOn, update => {
      updates.push(update)
      onUpdate(update)
    })
  return { session, updates, train }
}

afterAll(() => {
  for (const gpu of opened) gpu.destroy()
})

describe('a session', () => {
  let at: Awaited<ReturnType<typeof planted>>

  beforeAll(async () => {
    at = await planted()
  })

  it('names the GPU', async () => {
    const { name, software, limits } = valueIn(await at.session.open())
    expect(name).not.toBe('')
    expect(software).toBe(true)
    expect(limits.storageBinding).toBeGreaterThan(0)
  })

  it('plants movies with titles', async () => {
    const summary = valueIn(await at.session.plant({ entries: 20_000, seed: 3 }))
    expect(summary).toMatchObject({ kind: 'planted', entries: 20_000, rated: true, merged: 0 })
    expect(summary.histogram.reduce((sum, { count }) => sum + count, 0)).toBe(20_000)
    const titles = await at.session.titlesSummary()
    expect(titles).toMatchObject({ items: summary.items, matched: summary.items })
  })

  it('has no answers before there is a model', async () => {
    expect(faultIn(await at.session.search('the', 5)).kind).toBe('input')
    expect(faultIn(await at.session.saveModel()).kind).toBe('input')
  })

  it('trains to within a sixth of the noise floor, and better than biases', async () => {
    const { reason, model } = valueIn(await at.train())
    expect(reason).toBe('finished')
    const [prepared] = at.updates
    if (prepared?.type !== 'prepared') throw new Error('the first update says what is trained')
    expect(prepared.entries).toEqual({ train: 18_000, heldOut: 2000 })
    expect(prepared.resolved.rate).toBeGreaterThan(0)
    const yardstick = Object.fromEntries(prepared.yardsticks.map(({ kind, value }) => [kind, value]))
    expect(yardstick.biases).toBeLessThan(yardstick.mean!)
    expect(model?.measured?.value).toBeLessThan(yardstick.biases!)
    expect(model?.measured?.value).toBeLessThan(yardstick.floor! * (1 + 1 / 6))
    expect(epochsOf(at.updates)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  it('finds, lists and compares items', async () => {
    const [known] = valueIn(await at.session.wellKnown(1))
    const found = valueIn(await at.session.search(known!.title.slice(0, 12), 10))
    expect(found.map(({ item }) => item)).toContain(known!.item)
    expect(valueIn(await at.session.lines([known!.id, 'nothing']))).toEqual([known])
    const spread = valueIn(await at.session.wellKnown(12))
    expect(new Set(spread.map(({ item }) => item)).size).toBe(12)
    const alike = valueIn(await at.session.similar(known!.item, 5))
    expect(alike).toHaveLength(5)
    expect(alike[0]!.similarity).toBeGreaterThan(alike[4]!.similarity)
    const map = valueIn(await at.session.itemMap())
    expect(map.items).toHaveLength(map.total)
  })

  it('recommends to users of the model alone', async () => {
    const user = valueIn(await at.session.someUser())
    const { rated, ratedTotal, best } = valueIn(await at.session.recommend(user, 10))
    expect(ratedTotal).toBeGreaterThanOrEqual(5)
    expect(rated[0]!.rating).toBeGreaterThanOrEqual(rated.at(-1)!.rating!)
    expect(best).toHaveLength(10)
    const had = new Set(rated.map(({ item }) => item))
    expect(best.filter(({ item }) => had.has(item))).toEqual([])
    expect(faultIn(await at.session.recommend('nobody', 10))).toMatchObject({ kind: 'input' })
  })

  it('folds a visitor in and leaves out what is rated or hidden', async () => {
    const items = valueIn(await at.session.wellKnown(6)).map(({ item }) => item)
    const ratings = items.slice(0, 5).map((item, place) => ({ item, stars: place % 2 === 0 ? 5 : 1 }))
    const first = valueIn(await at.session.foldIn({ ratings, hidden: [], k: 10 })).best
    expect(first).toHaveLength(10)
    const hidden = [first[0]!.item]
    const second = valueIn(await at.session.foldIn({ ratings, hidden, k: 10 })).best
    expect(second.slice(0, 9)).toEqual(first.slice(1))
    const shown = new Set(second.map(({ item }) => item))
    expect([...items.slice(0, 5), ...hidden].filter(item => shown.has(item))).toEqual([])
    const opposite = ratings.map(({ item, stars }) => ({ item, stars: 6 - stars }))
    const third = valueIn(await at.session.foldIn({ ratings: opposite, hidden: [], k: 10 })).best
    expect(third.map(({ item }) => item)).not.toEqual(first.map(({ item }) => item))
    expect(valueIn(await at.session.foldIn({ ratings: [], hidden: [], k: 3 })).best).toHaveLength(3)
    expect(faultIn(await at.session.foldIn({ ratings: [{ item: 1e6, stars: 3 }], hidden: [], k: 3 })).kind).toBe(
      'input',
    )
  })

  it('saves a model that loads again, and says no to other files', async () => {
    const bytes = valueIn(await at.session.saveModel())
    expect(Model.decode(bytes).itemCount).toBeGreaterThan(0)
    const file = new File([bytes], 'mine.safetensors')
    expect(await at.session.sniff(file)).toBe('model')
    const user = valueIn(await at.session.someUser())
    const before = valueIn(await at.session.recommend(user, 5)).best
    expect(valueIn(await at.session.readModel(file))).toMatchObject({ source: 'file', name: 'mine.safetensors' })
    expect(valueIn(await at.session.recommend(user, 5)).best).toEqual(before)
    expect(valueIn(await at.session.saveModel())).toEqual(bytes)
    const broken = new File([bytes.subarray(0, 500)], 'cut.safetensors')
    expect(faultIn(await at.session.readModel(broken))).toMatchObject({ kind: 'input', file: 'cut.safetensors' })
    expect(valueIn(await at.session.recommend(user, 5)).best).toEqual(before)
  })

  it('pauses, resumes, and refuses a second piece of work meanwhile', async () => {
    at.updates.length = 0
    const ended = at.train({ epochs: 4 }, update => {
      if (update.type === 'epoch' && update.epoch === 2) at.session.pause()
      if (update.type === 'paused') setTimeout(() => at.session.resume(), 50)
    })
    expect(faultIn(await at.train())).toMatchObject({ kind: 'busy' })
    expect(faultIn(await at.session.plant({ entries: 1000, seed: 1 }))).toMatchObject({ kind: 'busy' })
    expect(valueIn(await ended).reason).toBe('finished')
    expect(at.updates.map(update => (update.type === 'epoch' ? update.epoch : update.type))).toEqual([
      'prepared',
      1,
      2,
      'paused',
      'resumed',
      3,
      4,
    ])
  })

  it('stops at any time and keeps the last finished epoch', async () => {
    const early = at.train({ epochs: 1000 })
    at.session.stop()
    expect(valueIn(await early)).toEqual({ reason: 'stopped' })
    const running = at.train({ epochs: 1000 }, update => {
      if (update.type === 'epoch' && update.epoch === 3) at.session.stop()
    })
    const stopped = valueIn(await running)
    expect(stopped.reason).toBe('stopped')
    expect(stopped.model?.epoch).toBeGreaterThanOrEqual(3)
    const paused = at.train({ epochs: 1000 }, update => {
      if (update.type === 'epoch' && update.epoch === 1) at.session.pause()
      if (update.type === 'paused') at.session.stop()
    })
    expect(valueIn(await paused)).toMatchObject({ reason: 'stopped', model: { epoch: 1 } })
  })

  it('says which rate may help where a training diverges, and keeps the model at hand', async () => {
    const before = valueIn(await at.session.saveModel())
    const fault = faultIn(await at.train({ rate: 1000 }))
    expect(fault.kind).toBe('diverged')
    expect(fault.suggestedRate).toBeLessThan(1000)
    expect(valueIn(await at.session.saveModel())).toEqual(before)
  })

  it('frees what a model held when another takes its place', async () => {
    const gpu = opened[0]!
    const held = async () => {
      valueIn(await at.train({ epochs: 1 }))
      const [one] = valueIn(await at.session.wellKnown(1))
      valueIn(await at.session.foldIn({ ratings: [{ item: one!.item, stars: 5 }], hidden: [], k: 5 }))
      valueIn(await at.session.recommend(valueIn(await at.session.someUser()), 5))
      return gpu.liveBytes
    }
    const first = await held()
    expect(first).toBeGreaterThan(0)
    expect(await held()).toBe(first)
  })

  it('says which option is wrong', async () => {
    expect(faultIn(await at.train({ factors: 0 }))).toMatchObject({ kind: 'option', option: 'factors' })
  })
})

describe('all solvers and models', () => {
  for (const changed of [
    { solver: 'adam' },
    { solver: 'als' },
    { solver: 'als', model: 'implicit' },
  ] as const satisfies Partial<Settings>[]) {
    it(`trains ${JSON.stringify(changed)} and folds in`, async () => {
      const { session, updates, train } = await planted()
      const { model } = valueIn(await train({ ...changed, epochs: 3 }))
      const [prepared] = updates
      if (prepared?.type !== 'prepared') throw new Error('the first update says what is trained')
      const implicit = 'model' in changed
      expect(prepared.measure).toBe(implicit ? 'NDCG@10' : 'RMSE')
      if (implicit) {
        expect(prepared.yardsticks.map(({ kind }) => kind)).toEqual(['popular'])
        expect(prepared.yardsticks[0]!.value).toBeGreaterThan(0)
        expect(prepared.yardsticks[0]!.value).toBeLessThan(1)
      }
      expect(model?.measured?.measure).toBe(prepared.measure)
      const items = valueIn(await session.wellKnown(4))
      const ratings = items.map(({ item }, place) => ({ item, stars: place + 1 }))
      const { best } = valueIn(await session.foldIn({ ratings, hidden: [], k: 5 }))
      expect(best.every(({ prediction }) => Number.isFinite(prediction))).toBe(true)
    })
  }
})

describe('a device that is lost', () => {
  it('leaves the last epoch, to recommend from and to go on from', async () => {
    const { session, updates, train } = await planted()
    const fault = faultIn(
      await train({ epochs: 6 }, update => {
        if (update.type === 'epoch' && update.epoch === 3) opened.at(-1)!.device.destroy()
      }),
    )
    expect(fault).toMatchObject({ kind: 'device-lost', keptModel: { source: 'trained' } })
    const kept = fault.keptEpoch!
    expect(kept).toBeGreaterThanOrEqual(1)
    expect(fault.keptModel!.epoch).toBe(kept)
    const user = valueIn(await session.someUser())
    expect(valueIn(await session.recommend(user, 5)).best).toHaveLength(5)

    updates.length = 0
    const { model } = valueIn(await train({ epochs: 6 }, () => {}, true))
    expect(epochsOf(updates)).toEqual(Array.from({ length: 6 - kept }, (_, at) => kept + 1 + at))
    expect(model?.epoch).toBe(6)
    expect(model!.measured!.value).toBeLessThan(fault.keptModel!.measured!.value)
    expect(faultIn(await train({}, () => {}, true)).kind).toBe('input')
  })

  it('is opened again for what needs none of its state', async () => {
    const { session, train } = await planted()
    valueIn(await train({ epochs: 2 }))
    const user = valueIn(await session.someUser())
    const before = valueIn(await session.recommend(user, 5)).best
    opened.at(-1)!.device.destroy()
    expect(valueIn(await session.recommend(user, 5)).best).toEqual(before)
    opened.at(-1)!.device.destroy()
    const [one] = valueIn(await session.wellKnown(1))
    expect(
      valueIn(await session.foldIn({ ratings: [{ item: one!.item, stars: 5 }], hidden: [], k: 5 })).best,
    ).toHaveLength(5)
    opened.at(-1)!.device.destroy()
    expect(valueIn(await train({ epochs: 2 })).reason).toBe('finished')
  })
})

describe('a device with narrow limits', () => {
  /** A GPU that says that one binding holds no more than 128 KiB. */
  async function openNarrow(): Promise<Gpu> {
    const gpu = await openCounted()
    gpu.capabilities.limits.maxStorageBufferBindingSize = 2 ** 17
    return gpu
  }

  it('says the numbers, and suggests factors that fit in the end', async () => {
    const { session, train } = await planted(openNarrow, 4000)
    const fault = faultIn(await train({ solver: 'adam', factors: 512 }))
    expect(fault).toMatchObject({ kind: 'limit', available: 2 ** 17 })
    expect(fault.needed).toBeGreaterThan(2 ** 17)
    expect(fault.message).toContain(String(fault.needed))
    const factors = fault.suggestedFactors!
    expect(factors % 4).toBe(0)
    expect(factors).toBeGreaterThanOrEqual(4)
    const outcome = await train({ solver: 'adam', factors, epochs: 1 })
    expect(valueIn(outcome).model?.factors).toBe(factors)
    expect((await train({ solver: 'adam', factors: factors + 4, epochs: 1 })).ok).toBe(false)
    expect(valueIn(await session.recommend(valueIn(await session.someUser()), 5)).best).toHaveLength(5)
  })
})

describe('files', () => {
  const lines = Array.from({ length: 400 }, (_, e) => `${1 + (e % 40)}\t${1 + ((7 * e) % 31)}\t${1 + (e % 5)}\t${e}`)
  const ratings = new File([lines.join('\n')], 'u.data')

  it('replace the planted movies and their titles, with progress', async () => {
    const { session } = await planted()
    const seen: [number, number][] = []
    expect(await session.sniff(ratings)).toBe('ratings')
    const summary = valueIn(await session.readRatings(ratings, (...progress) => seen.push(progress)))
    expect(summary).toMatchObject({ kind: 'file', name: 'u.data', users: 40, items: 31, rated: true })
    expect(summary.histogram.map(({ from }) => from)).toEqual([1, 2, 3, 4, 5])
    expect(seen.at(-1)).toEqual([ratings.size, ratings.size])
    expect(await session.titlesSummary()).toBeUndefined()
  })

  it('stay at hand where the next one is broken or its reading is ended', async () => {
    const { session, train } = await planted()
    valueIn(await session.readRatings(ratings, () => {}))
    const broken = new File(['1\t2\t3\n1\t3\tthree\n'], 'broken.tsv')
    const fault = faultIn(await session.readRatings(broken, () => {}))
    expect(fault).toMatchObject({ kind: 'input', file: 'broken.tsv', line: 2, text: '1\t3\tthree' })
    expect(fault.message).not.toContain('broken.tsv')
    const ended = session.readRatings(new File([lines.join('\n')], 'again.tsv'), () => {})
    expect(faultIn(await session.readRatings(ratings, () => {})).kind).toBe('busy')
    expect(faultIn(await train()).kind).toBe('busy')
    session.cancelReading()
    expect(faultIn(await ended).kind).toBe('busy')
    expect(valueIn(await train({ epochs: 1 })).model).toMatchObject({ users: 40, items: 31, name: 'u.data' })
  })

  it('name the items of ratings, and stay for the next ratings', async () => {
    const { session, train } = await planted()
    valueIn(await session.readRatings(ratings, () => {}))
    const titles = new File(['movieId,title,genres\n1,"Brücke, Die",Drama|War\n99,None,\n'], 'movies.csv')
    expect(await session.sniff(titles)).toBe('titles')
    expect(valueIn(await session.readTitles(titles))).toMatchObject({ name: 'movies.csv', matched: 1, items: 31 })
    valueIn(await train({ epochs: 1 }))
    const [found] = valueIn(await session.search('brucke', 3))
    expect(found).toMatchObject({ id: '1', title: 'Brücke, Die', genres: ['Drama', 'War'] })
    expect(valueIn(await session.search('30', 1))).toMatchObject([{ id: '30', title: 'Item 30' }])
    valueIn(await session.readRatings(ratings, () => {}))
    expect(await session.titlesSummary()).toMatchObject({ matched: 1 })
  })

  it('measure the model at hand', async () => {
    const { session, train } = await planted()
    valueIn(await session.readRatings(ratings, () => {}))
    valueIn(await train({ epochs: 1 }))
    const more = new File([`${lines.join('\n')}\n999\t1\t4\t0\n`], 'test.tsv')
    const { rmse, mae, ...counts } = valueIn(await session.evaluate(more, () => {}))
    expect(counts).toMatchObject({ name: 'test.tsv', unknownUsers: 1, unknownItems: 0 })
    expect(rmse).toBeGreaterThan(mae!)
    valueIn(await train({ model: 'implicit', solver: 'als', epochs: 1 }))
    const ranked = valueIn(await session.evaluate(more, () => {}))
    expect(ranked.rmse).toBeUndefined()
    expect(ranked.ndcg).toBeGreaterThanOrEqual(0)
  })
})

describe('a trained model beside other data', () => {
  it('keeps the titles that it learned with, until a file brings others', async () => {
    const { session, train } = await planted()
    valueIn(await train({ epochs: 2 }))
    const before = valueIn(await session.search('', 800))
    const map = valueIn(await session.itemMap())
    valueIn(await session.plant({ entries: 30_000, seed: 9 }))
    const after = valueIn(await session.search('', 800))
    const titled = (lines: typeof before) => new Map(lines.map(({ id, title }) => [id, title]))
    expect(titled(after)).toEqual(titled(before))
    expect(new Set(valueIn(await session.itemMap()).titles)).toEqual(new Set(map.titles))
    expect(after[0]).not.toHaveProperty('count')

    const { id } = before[0]!
    valueIn(await session.readTitles(new File([`movieId,title,genres\n${id},Renamed,Drama\n`], 'movies.csv')))
    expect(titled(valueIn(await session.search('', 800))).get(id)).toBe('Renamed')

    valueIn(await train({ epochs: 1 }))
    expect(valueIn(await session.search('', 1))[0]).toHaveProperty('count')
  })
})
