/** What the page and its worker say to each other: plain data that can be cloned, no classes. */

/** The GPU that a visitor brings. */
export interface Machine {
  /** As the browser gives it: vendor, architecture, description. */
  name: string
  /** Runs on the CPU: slow, but right. */
  software: boolean
  limits: {
    /** Bytes of one storage buffer binding: bounds the factors of one side. */
    storageBinding: number
    /** Bytes of one buffer. */
    buffer: number
    /** Bytes that a workgroup shares. */
    workgroupStorage: number
    /** Invocations of a workgroup. */
    invocations: number
  }
  features: { subgroups: boolean; f16: boolean; timestamps: boolean }
}

export type FaultKind =
  | 'no-gpu'
  | 'device-lost'
  | 'limit'
  | 'memory'
  | 'diverged'
  | 'input'
  | 'option'
  | 'busy'
  /** The worker is gone, with all that it held. */
  | 'gone'
  | 'defect'

/** Why something could not be done, in words for a visitor, with the numbers behind them. */
export interface Fault {
  kind: FaultKind
  message: string
  /** Where in a file, and the line itself. */
  file?: string
  line?: number
  text?: string
  /** The setting to change. */
  option?: string
  /** limit, memory: bytes asked for, and the bytes that there are where the device says. */
  needed?: number
  available?: number
  /** limit, memory: factors that would fit. */
  suggestedFactors?: number
  /** diverged: a learning rate to try. */
  suggestedRate?: number
  /** The finished epoch whose model is kept and can be gone on from; absent where there is none. */
  keptEpoch?: number
  /** The model of that epoch, which is the one at hand now. */
  keptModel?: ModelSummary
}

export type Outcome<Value> = { ok: true; value: Value } | { ok: false; fault: Fault }

export interface Settings {
  solver: 'sgd' | 'adam' | 'als'
  model: 'explicit' | 'implicit'
  /** Rank k. */
  factors: number
  epochs: number
  /** Learning rate; the solver's default where absent. */
  rate?: number | undefined
  /** Lambda; the solver's default where absent. */
  penalty?: number | undefined
  seed: number
}

/** A planted set to make. */
export interface Planting {
  entries: number
  seed: number
}

export interface DataSummary {
  kind: 'planted' | 'file'
  name: string
  users: number
  items: number
  entries: number
  /** Whether entries have ratings; without, all values are 1. */
  rated: boolean
  mean: number
  range: { min: number; max: number }
  /** Ratings by value, in at most 20 bins of equal width, ascending; one bin per value where there are few. */
  histogram: { from: number; to: number; count: number }[]
  /** Rows of the file that stand for an entry that another row has too. */
  merged: number
  /** Seconds to read, or to make. */
  seconds: number
}

export interface TitlesSummary {
  name: string
  /** Titles in the file. */
  size: number
  /** Items of the data or the model at hand, whichever came last, that have one. */
  matched: number
  items: number
  genres: readonly string[]
}

/** Bytes of a file read so far, and all of them. */
export type ReadProgress = (bytes: number, total: number) => void

/** What a model is measured by on the entries held out: explicit models by error (less is better), implicit by rank. */
export type Measure = 'RMSE' | 'NDCG@10'

/** A number to beat, or one that nobody can. */
export interface Yardstick {
  kind: 'mean' | 'biases' | 'popular' | 'floor'
  value: number
}

export type TrainUpdate =
  | {
      type: 'prepared'
      /** Entries trained on and held out. */
      entries: { train: number; heldOut: number }
      measure: Measure
      yardsticks: Yardstick[]
      /** The values that stand behind settings left to the solver. */
      resolved: { rate?: number; penalty?: number }
      /** Seconds to split, pack and upload. */
      seconds: number
    }
  | {
      type: 'epoch'
      /** From 1; also after going on. */
      epoch: number
      /** Root of the mean squared training error (explicit), or the weighted loss per entry (implicit). */
      train: number
      /** The measure on the entries held out. */
      heldOut: number
      seconds: number
      /** Entries passed in a second of training. */
      updatesPerSecond: number
    }
  | { type: 'paused' | 'resumed' }

export interface ModelSummary {
  source: 'trained' | 'file'
  name: string
  kind: 'explicit' | 'implicit' | 'bpr'
  users: number
  items: number
  factors: number
  /** trained: the epoch whose state it holds. */
  epoch?: number
  /** trained: on the entries held out. */
  measured?: { measure: Measure; value: number }
  /** Bytes of its file. */
  bytes: number
  /** Ratings that it predicts; explicit models only. */
  range?: { min: number; max: number }
}

export interface TrainEnd {
  reason: 'finished' | 'stopped'
  /** Absent where a training was stopped before its first epoch. */
  model?: ModelSummary
}

/** An item as lists show it. */
export interface ItemLine {
  /** Dense index in the model. */
  item: number
  id: string
  /** `Item <id>` where no title is known. */
  title: string
  /** Names, main one first. */
  genres: string[]
  /** Entries in the data at hand; undefined where there is no data. */
  count?: number
}

export interface Recommended extends ItemLine {
  /** Predicted rating (explicit), or the score by which items are ranked. */
  prediction: number
}

export interface Rated extends ItemLine {
  /** Absent where the model alone remembers the item, or data without ratings. */
  rating?: number
}

export interface UserPage {
  user: string
  /** Items of the user, best rated first, at most 50. */
  rated: Rated[]
  /** How many there are. */
  ratedTotal: number
  best: Recommended[]
}

export interface Neighbour extends ItemLine {
  /** Cosine of the factors. */
  similarity: number
}

/** A two-dimensional projection of the item factors. */
export interface ItemMap {
  /** Dense index of the item of each point, the most popular last. At most 20,000 points: the most popular items. */
  items: Uint32Array
  /** Coordinates in units that are the same for both; the points fill [-1, 1] in the wider direction. */
  x: Float32Array
  y: Float32Array
  titles: string[]
  /** Main genre of each point: index into `genres`, 255 where none is known. */
  genre: Uint8Array
  genres: string[]
  /** Entries of each point's item; all 0 where nothing is known of them. */
  count: Uint32Array
  /** Items of the model. */
  total: number
  /** Share of the variance of the item factors that the two directions hold. */
  explained: number
}

export interface FoldInRequest {
  /** Stars from 0.5 to 5 by dense index of the item. */
  ratings: { item: number; stars: number }[]
  /** Items never to be shown, beside the rated ones. */
  hidden: number[]
  k: number
}

export interface FoldInAnswer {
  best: Recommended[]
  /** From the request's arrival to the list: fold-in and ranking on the GPU. */
  milliseconds: number
}

export interface FileEvaluation {
  name: string
  entries: number
  /** Entries whose user or item the model does not know. */
  unknownUsers: number
  unknownItems: number
  /** Explicit models. */
  rmse?: number
  mae?: number
  /** Models that rank. */
  ndcg?: number
}

/** What a dropped file is, by its first bytes and its name. */
export type FileKind = 'ratings' | 'titles' | 'model'

/** The worker's side: one GPU, at most one set of ratings, one set of titles, one training under way and one model. */
export interface Engine {
  /** Opens the GPU; called first. */
  open(): Promise<Outcome<Machine>>
  /** Makes planted movies, which replace data and titles at hand. */
  plant(planting: Planting): Promise<Outcome<DataSummary>>
  sniff(file: File): Promise<FileKind>
  /** Reads ratings, which replace the data at hand once they are read; until then nothing changes. */
  readRatings(file: File, onProgress: ReadProgress): Promise<Outcome<DataSummary>>
  /** Ends the reading under way, which then gives a fault of kind `busy`. */
  cancelReading(): void
  readTitles(file: File): Promise<Outcome<TitlesSummary>>
  /** Of the titles at hand, against the model or the data at hand; undefined where there are none. */
  titlesSummary(): Promise<TitlesSummary | undefined>
  /**
   * Trains on the data at hand, a random tenth held out. The model takes the place of the one at hand when the training ends.
   * @param goOn goes on from the epoch that the last training's fault kept, for the epochs left
   */
  train(settings: Settings, goOn: boolean, onUpdate: (update: TrainUpdate) => void): Promise<Outcome<TrainEnd>>
  /** After the epoch under way. */
  pause(): void
  resume(): void
  /** At once; the model of the last finished epoch is kept. */
  stop(): void
  readModel(file: File): Promise<Outcome<ModelSummary>>
  /** The bytes of the model's file, the same as the command line writes. */
  saveModel(): Promise<Outcome<Uint8Array<ArrayBuffer>>>
  /** Measures the model at hand on a file of ratings, all of it. */
  evaluate(file: File, onProgress: ReadProgress): Promise<Outcome<FileEvaluation>>
  itemMap(): Promise<Outcome<ItemMap>>
  similar(item: number, k: number): Promise<Outcome<Neighbour[]>>
  /** A user of the model with some entries, drawn anew each time. */
  someUser(): Promise<Outcome<string>>
  recommend(user: string, k: number): Promise<Outcome<UserPage>>
  /** Items whose titles (or ids) match, best first. */
  search(words: string, limit: number): Promise<Outcome<ItemLine[]>>
  /** The items of the model at hand with these ids, in their order; ids that it does not know are left out. */
  lines(ids: readonly string[]): Promise<Outcome<ItemLine[]>>
  /** Popular items that differ from each other, to rate first. */
  wellKnown(count: number): Promise<Outcome<ItemLine[]>>
  foldIn(request: FoldInRequest): Promise<Outcome<FoldInAnswer>>
}

/** What the page sees of its worker. */
export interface WorkerEngine extends Engine {
  /** Locks a name, which it returns, for as long as the worker lives. */
  hold(): Promise<string>
}
