import { type Gpu, type IdTable, Model, UNKNOWN } from '../../src/index.ts'
import { Catalog } from './catalog.ts'
import { type DataAtHand, summaryOf } from './data.ts'
import { Device, machineOf } from './device.ts'
import { evaluated } from './evaluation.ts'
import { busy, type FaultContext, outcomeOf } from './faults.ts'
import { foldInStars } from './folding.ts'
import { type HeldModel, modelSummary } from './held-model.ts'
import { itemMap } from './item-map.ts'
import type * as messages from './messages.ts'
import type { Engine, Outcome } from './messages.ts'
import { ModelPlace } from './models.ts'
import { plantMovies } from './movies.ts'
import { kindOfFile, Reading } from './reading.ts'
import { spreadRows } from './spread.ts'
import { readTitles, type Titles } from './titles.ts'
import { Trainings } from './trainings.ts'
import { drawUser, userPage } from './users.ts'

interface TitlesAtHand {
  table: Titles
  planted: boolean
}

/** Popular items that those to rate first are chosen from. */
const wellKnownPool = 200

/** All that the worker holds: a GPU, data, titles, a model, and what is under way. */
export class Session implements Engine {
  readonly #device: Device
  readonly #models: ModelPlace
  readonly #trainings: Trainings
  readonly #reading = new Reading()
  #data: DataAtHand | undefined
  /** Items of the data or the model, whichever came last. */
  #items: IdTable | undefined
  #titles: TitlesAtHand | undefined
  /** What the trained model at hand learned from, as far as it is still there: other data may mean other items by its ids. */
  #learnedFrom: { data: DataAtHand | undefined; titles: TitlesAtHand | undefined } | undefined
  #catalog: { of: readonly unknown[]; catalog: Catalog } | undefined

  constructor(openGpu: () => Promise<Gpu>) {
    this.#device = new Device(openGpu)
    this.#models = new ModelPlace(this.#device)
    this.#trainings = new Trainings(this.#device, this.#models)
  }

  open(): Promise<Outcome<messages.Machine>> {
    return outcomeOf(async () => machineOf(await this.#device.gpu()))
  }

  plant(planting: messages.Planting): Promise<Outcome<messages.DataSummary>> {
    return outcomeOf(() => {
      this.#trainings.refuseWhileTraining()
      this.#refuseWhileReading()
      const began = performance.now()
      const { planted, titles } = plantMovies(planting)
      const { ratings, noiseFloor } = planted
      const seconds = (performance.now() - began) / 1000
      const summary = summaryOf(ratings, { kind: 'planted', name: titles.name, merged: 0, seconds })
      this.#titles = { table: titles, planted: true }
      return this.#replaceData({ ratings, summary, noiseFloor })
    })
  }

  sniff(file: File): Promise<messages.FileKind> {
    // A file that cannot be read says so where its kind's reader reads it.
    return kindOfFile(file).catch(() => 'ratings')
  }

  readRatings(file: File, onProgress: messages.ReadProgress): Promise<Outcome<messages.DataSummary>> {
    return outcomeOf(async () => {
      this.#trainings.refuseWhileTraining()
      const began = performance.now()
      const { ratings, merged } = await this.#reading.ratingsOf(file, onProgress)
      this.#trainings.refuseWhileTraining()
      const seconds = (performance.now() - began) / 1000
      const summary = summaryOf(ratings, { kind: 'file', name: file.name, merged, seconds })
      if (this.#titles?.planted) this.#titles = undefined
      return this.#replaceData({ ratings, summary })
    })
  }

  cancelReading(): void {
    this.#reading.cancel()
  }

  readTitles(file: File): Promise<Outcome<messages.TitlesSummary>> {
    return outcomeOf(async () => {
      this.#titles = { table: await readTitles(file), planted: false }
      if (this.#learnedFrom !== undefined) this.#learnedFrom.titles = this.#titles
      return this.#summaryOf(this.#titles.table)
    })
  }

  async titlesSummary(): Promise<messages.TitlesSummary | undefined> {
    return this.#titles && this.#summaryOf(this.#titles.table)
  }

  async train(
    settings: messages.Settings,
    goOn: boolean,
    onUpdate: (update: messages.TrainUpdate) => unknown,
  ): Promise<Outcome<messages.TrainEnd>> {
    const told: unknown[] = []
    const tell = (update: messages.TrainUpdate) => void told.push(onUpdate(update))
    const context: FaultContext = { factors: settings.factors }
    const outcome = await outcomeOf(
      () => {
        this.#refuseWhileReading()
        return this.#trainings.train(this.#data, { settings, goOn }, tell, context)
      },
      () => context,
    )
    // What is told goes another way to the page than the outcome, and is to be there before it.
    await Promise.allSettled(told)
    const model = outcome.ok ? outcome.value.model : outcome.fault.keptModel
    if (model !== undefined) this.#learnedFrom = { data: this.#data, titles: this.#titles }
    return outcome
  }

  pause(): void {
    this.#trainings.pause()
  }

  resume(): void {
    this.#trainings.resume()
  }

  stop(): void {
    this.#trainings.stop()
  }

  readModel(file: File): Promise<Outcome<messages.ModelSummary>> {
    return outcomeOf(async () => {
      this.#trainings.refuseWhileTraining()
      const bytes = new Uint8Array(await file.arrayBuffer())
      const gpu = await this.#device.gpu()
      const model = Model.decode(bytes, gpu, file.name)
      this.#trainings.refuseWhileTraining()
      this.#items = model.parts.itemIds
      this.#learnedFrom = undefined
      return this.#models.put(model, gpu, modelSummary(model, { source: 'file', name: file.name }))
    })
  }

  saveModel(): Promise<Outcome<Uint8Array<ArrayBuffer>>> {
    return this.#withModel(
      async ({ model }) => new Uint8Array(await new Blob(model.encode() as BlobPart[]).arrayBuffer()),
    )
  }

  evaluate(file: File, onProgress: messages.ReadProgress): Promise<Outcome<messages.FileEvaluation>> {
    return outcomeOf(async () => {
      const { ratings } = await this.#reading.ratingsOf(file, onProgress)
      return await this.#models.use(({ model }) => evaluated(model, ratings, file.name))
    })
  }

  itemMap(): Promise<Outcome<messages.ItemMap>> {
    return this.#withModel(({ model }, { counts }) => itemMap(model, counts, this.#about().titles?.table))
  }

  similar(item: number, k: number): Promise<Outcome<messages.Neighbour[]>> {
    return this.#withModel(({ model }, catalog) =>
      model
        .similarItems(catalog.ids.at(item), { k })
        .map(({ id, similarity }) => ({ ...catalog.line(catalog.ids.indexOf(id)), similarity })),
    )
  }

  someUser(): Promise<Outcome<string>> {
    return this.#withModel(({ model }) => String(drawUser(model, this.#about().data, Math.random)))
  }

  recommend(user: string, k: number): Promise<Outcome<messages.UserPage>> {
    return this.#withModel(({ model }, catalog) => userPage(model, catalog, this.#about().data, { user, k }))
  }

  search(words: string, limit: number): Promise<Outcome<messages.ItemLine[]>> {
    return this.#withModel((_, catalog) => catalog.search(words, limit))
  }

  lines(ids: readonly string[]): Promise<Outcome<messages.ItemLine[]>> {
    return this.#withModel((_, catalog) => {
      const items = ids.map(id => catalog.ids.indexOf(id)).filter(item => item !== UNKNOWN)
      return items.map(item => catalog.line(item))
    })
  }

  wellKnown(count: number): Promise<Outcome<messages.ItemLine[]>> {
    return this.#withModel(({ model }, catalog) => {
      const { itemFactors, factors } = model.parts
      const pool = catalog.byPopularity.subarray(0, Math.max(count, wellKnownPool))
      return spreadRows(itemFactors, factors, pool, count).map(item => catalog.line(item))
    })
  }

  foldIn(request: messages.FoldInRequest): Promise<Outcome<messages.FoldInAnswer>> {
    return this.#withModel((held, catalog) => foldInStars(held, catalog, request))
  }

  #withModel<T>(work: (held: HeldModel, catalog: Catalog) => Promise<T> | T): Promise<Outcome<T>> {
    return outcomeOf(() => this.#models.use(held => work(held, this.#catalogOf(held.model))))
  }

  #refuseWhileReading(): void {
    if (this.#reading.isUnderWay) throw busy('A file is being read. Wait for it, or end it first.')
  }

  #replaceData(data: DataAtHand): messages.DataSummary {
    this.#data = data
    if (this.#learnedFrom !== undefined) this.#learnedFrom.data = undefined
    this.#items = data.ratings.itemIds
    this.#trainings.forget()
    return data.summary
  }

  #summaryOf(table: Titles): messages.TitlesSummary {
    const ids = this.#items
    let matched = 0
    for (let item = 0; item < (ids?.size ?? 0); item++) if (table.of(ids!.at(item)) !== undefined) matched++
    return { name: table.name, size: table.size, matched, items: ids?.size ?? 0, genres: [...table.genres] }
  }

  /** The list of items as it is now: made anew where the model, the data or the titles are others. */
  #catalogOf(model: Model): Catalog {
    const { data, titles } = this.#about()
    const of = [model.parts, data, titles] as const
    if (this.#catalog === undefined || of.some((part, at) => part !== this.#catalog?.of[at])) {
      this.#catalog = { of, catalog: new Catalog(model, data?.ratings, titles?.table) }
    }
    return this.#catalog.catalog
  }

  /** The data and titles that the model's ids are of: those it learned from, or for a model from a file those at hand. */
  #about(): { data: DataAtHand | undefined; titles: TitlesAtHand | undefined } {
    return this.#learnedFrom ?? { data: this.#data, titles: this.#titles }
  }
}
