import { signal } from '@preact/signals-core'
import type {
  DataSummary,
  Fault,
  FileKind,
  Machine,
  Measure,
  ModelSummary,
  Planting,
  Settings,
  TitlesSummary,
  TrainUpdate,
  Yardstick,
} from '../engine/messages.ts'
import { readAddress } from './address.ts'

/** All that the page shows, as signals: actions write them, panels read them. */

const address = readAddress(location.search)

export const machine = signal<Machine | undefined>(undefined)
/** Why there is no GPU to work with; nothing else works then. */
export const noGpu = signal<Fault | undefined>(undefined)

export const settings = signal<Settings>(address.settings)
export const planting = signal<Planting>(address.planting)

export const data = signal<DataSummary | undefined>(undefined)
export const titles = signal<TitlesSummary | undefined>(undefined)
/** The files that they and the model came from; none of what was planted or trained. */
export const sources = signal<{ [Kind in FileKind]?: File | undefined }>({})
/** What is being made ready: a file that is read (bytes so far, of all), or movies that are planted. */
export const reading = signal<{ name: string; bytes: number; total: number } | undefined>(undefined)

export type EpochPoint = Extract<TrainUpdate, { type: 'epoch' }>

export interface TrainingView {
  status: 'idle' | 'preparing' | 'running' | 'pausing' | 'paused' | 'stopping' | 'finished' | 'stopped' | 'failed'
  /** The settings that this training runs with. */
  settings: Settings
  /** Name of its data. */
  data: string
  measure: Measure
  yardsticks: Yardstick[]
  entries: { train: number; heldOut: number }
  resolved: { rate?: number; penalty?: number }
  points: EpochPoint[]
  /** failed: the epoch that can be gone on from. */
  keptEpoch?: number | undefined
}

/** The training under way, or the last one. */
export const training = signal<TrainingView | undefined>(undefined)

export const model = signal<ModelSummary | undefined>(undefined)
/** Counts the changes of what lists of items show: a model, or titles. */
export const edition = signal(0)

export interface Notice {
  id: number
  tone: 'error' | 'warning' | 'info'
  title: string
  text: string
  /** A line of a file, shown as it is. */
  detail?: string | undefined
  actions?: { label: string; run: () => void; primary?: boolean }[]
  /** Cannot be put away without an action. */
  lasting?: boolean
}

export const notices = signal<Notice[]>(
  address.problems.map((text, id) => ({
    id: -1 - id,
    tone: 'warning',
    title: 'Part of the address was left out',
    text,
  })),
)

export const isTraining = (view: TrainingView | undefined = training.value): boolean =>
  view !== undefined && !['idle', 'finished', 'stopped', 'failed'].includes(view.status)
