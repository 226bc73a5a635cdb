import { batch } from '@preact/signals-core'
import type { DataSummary, Fault, FileKind, ModelSummary, TrainUpdate } from '../engine/messages.ts'
import { writeAddress } from './address.ts'
import { answer, answerReporting, callback, engine, saidOr } from './engine.ts'
import { notify, notifyFault } from './notices.ts'
import {
  data,
  edition,
  isTraining,
  machine,
  model,
  noGpu,
  planting,
  reading,
  settings,
  sources,
  type TrainingView,
  titles,
  training,
} from './state.ts'

/** What a visitor can do: each asks the worker and writes what came of it into the state. */

/** Opens the GPU and makes the first set of movies. */
export async function start(): Promise<void> {
  if (!(await openGpu())) return
  await plant()
  performance.mark('lowrank-ready')
}

/** Opens the GPU; false where that fails. */
export async function openGpu(): Promise<boolean> {
  const opened = await answer(engine.open())
  if (opened.ok) machine.value = opened.value
  else if (opened.fault.kind !== 'gone') noGpu.value = opened.fault
  return opened.ok
}

/** Makes movies with so many ratings. */
export async function plant(entries = planting.value.entries): Promise<void> {
  if (!(await mayReplaceData('plant new movies'))) return
  const chosen = { ...planting.value, entries }
  reading.value = { name: 'Planted movies', bytes: 0, total: 0 }
  const planted = await answer(engine.plant(chosen))
  reading.value = undefined
  if (!planted.ok) {
    notifyFault('The movies could not be planted', planted.fault)
    return
  }
  planting.value = chosen
  sources.value = { model: sources.value.model }
  dataChanged(planted.value)
  history.replaceState(null, '', location.pathname + writeAddress(settings.value, planting.value) + location.hash)
  await itemsChanged()
}

/** Take away what was said of the last file of each kind; the next one makes it stale. */
const fileNotices: Record<FileKind, () => void> = { ratings() {}, titles() {}, model() {} }

/** Opens files of any kind that the page knows, titles last: they are matched with the items at hand. */
export async function openFiles(files: readonly File[]): Promise<void> {
  const kinds = await Promise.all(
    files.map(async file => ({ file, kind: await saidOr(engine.sniff(file), 'ratings') })),
  )
  for (const wanted of ['model', 'ratings', 'titles'] as const) {
    const ofKind = kinds.filter(({ kind }) => kind === wanted).map(({ file }) => file)
    if (ofKind.length > 1) {
      notify({
        tone: 'warning',
        title: 'One file at a time',
        text: `${ofKind.map(file => file.name).join(', ')} are all ${wanted === 'model' ? 'models' : wanted}; the first was taken.`,
      })
    }
    const file = ofKind[0]
    if (file !== undefined) await { model: openModel, ratings: openRatings, titles: openTitles }[wanted](file)
  }
}

/** Whether it was the visitor who ended the reading under way. */
let isCancelled = false

export async function openRatings(file: File): Promise<void> {
  if (!(await mayReplaceData(`read ${file.name}`))) return
  isCancelled = false
  fileNotices.ratings()
  reading.value = { name: file.name, bytes: 0, total: file.size }
  const read = await answerReporting(
    (bytes, total) => {
      reading.value = { name: file.name, bytes, total }
    },
    onProgress => engine.readRatings(file, onProgress),
  )
  reading.value = undefined
  if (!read.ok) {
    if (!isCancelled) fileNotices.ratings = notifyFault(`${file.name} could not be read`, read.fault)
    return
  }
  cameFrom({ ratings: file })
  dataChanged(read.value)
  await itemsChanged()
}

export function cancelReading(): void {
  isCancelled = true
  void engine.cancelReading()
}

export async function openTitles(file: File): Promise<void> {
  fileNotices.titles()
  const read = await answer(engine.readTitles(file))
  if (!read.ok) {
    fileNotices.titles = notifyFault(`The titles in ${file.name} could not be read`, read.fault)
    return
  }
  cameFrom({ titles: file })
  await itemsChanged()
  const { matched, items, size } = read.value
  if (matched === 0) {
    const text = `None of its ${size} titles has the id of one of the ${items} items at hand.`
    fileNotices.titles = notify({ tone: 'warning', title: `${file.name} holds no title that fits`, text })
  }
}

export async function openModel(file: File): Promise<void> {
  fileNotices.model()
  if (isTraining()) {
    const text = `Stop it, then load ${file.name}.`
    fileNotices.model = notify({ tone: 'warning', title: 'A training is under way', text })
    return
  }
  const read = await answer(engine.readModel(file))
  if (read.ok) {
    cameFrom({ model: file })
    await modelChanged(read.value)
  } else fileNotices.model = notifyFault(`${file.name} could not be loaded`, read.fault)
}

export async function saveModel(): Promise<void> {
  const saved = await answer(engine.saveModel())
  if (!saved.ok) {
    notifyFault('The model could not be saved', saved.fault)
    return
  }
  const address = URL.createObjectURL(new Blob([saved.value], { type: 'application/octet-stream' }))
  const link = Object.assign(document.createElement('a'), { href: address, download: 'model.safetensors' })
  link.click()
  // The download has begun by then; browsers keep the bytes of one that has.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

/** Trains with the settings at hand; `goOn` continues a training that lost its device. */
export async function train(goOn = false): Promise<void> {
  if (isTraining() || data.value === undefined) return
  closeFault()
  const chosen = { ...settings.value }
  const before = training.value
  const fresh: TrainingView = {
    status: 'preparing',
    settings: chosen,
    data: data.value.name,
    measure: chosen.model === 'explicit' ? 'RMSE' : 'NDCG@10',
    yardsticks: [],
    entries: { train: 0, heldOut: 0 },
    resolved: {},
    points: [],
  }
  const kept = goOn ? (before?.points.filter(({ epoch }) => epoch <= (before.keptEpoch ?? 0)) ?? []) : []
  training.value = goOn && before !== undefined ? { ...before, status: 'preparing', points: kept } : fresh
  const running = training.value.settings
  const outcome = await answer(engine.train(running, goOn, callback(onTraining)))
  if (!outcome.ok) {
    onTrainingFault(outcome.fault)
    if (outcome.fault.keptModel !== undefined) await modelChanged(outcome.fault.keptModel)
    return
  }
  change({ status: outcome.value.reason, keptEpoch: undefined })
  if (outcome.value.model !== undefined) await modelChanged(outcome.value.model)
}

function onTraining(update: TrainUpdate): void {
  const view = training.value
  if (view === undefined) return
  switch (update.type) {
    case 'prepared': {
      const { entries, measure, yardsticks, resolved } = update
      change({ entries, measure, yardsticks, resolved, status: view.status === 'preparing' ? 'running' : view.status })
      break
    }
    case 'epoch':
      change({ points: [...view.points, update] })
      break
    case 'paused':
      change({ status: 'paused' })
      break
    case 'resumed':
      change({ status: 'running' })
  }
}

/** Takes away the notice of the last training's fault: another training answers it. */
let closeFault = (): void => {}

function onTrainingFault(fault: Fault): void {
  change({ status: 'failed', keptEpoch: fault.keptEpoch })
  const again = { label: 'Train again', run: () => void train() }
  if (fault.kind === 'device-lost') {
    const goOn = { label: `Go on from epoch ${fault.keptEpoch}`, run: () => void train(true), primary: true }
    closeFault = notifyFault('The GPU was lost', fault, fault.keptEpoch === undefined ? [again] : [goOn])
    return
  }
  const { suggestedFactors: factors, suggestedRate: rate } = fault
  if (factors !== undefined) {
    closeFault = notifyFault('This does not fit this GPU', fault, [
      { label: `Train with ${factors} factors`, run: () => retrain({ factors }), primary: true },
    ])
  } else if (rate !== undefined) {
    closeFault = notifyFault('The training diverged', fault, [
      { label: `Train at a rate of ${rate}`, run: () => retrain({ rate }), primary: true },
    ])
  } else closeFault = notifyFault('The training failed', fault)
}

function retrain(changed: Partial<TrainingView['settings']>): void {
  setSettings(changed)
  void train()
}

export function pause(): void {
  if (training.value?.status !== 'running') return
  change({ status: 'pausing' })
  void engine.pause()
}

export function resume(): void {
  if (training.value?.status !== 'paused' && training.value?.status !== 'pausing') return
  // A pause that is taken back before its epoch ends never begins, and the worker says nothing of it.
  if (training.value.status === 'pausing') change({ status: 'running' })
  void engine.resume()
}

export function stop(): void {
  if (!isTraining()) return
  change({ status: 'stopping' })
  void engine.stop()
}

/** Changes settings, and the address with them. */
export function setSettings(changed: Partial<TrainingView['settings']>): void {
  const next = { ...settings.value, ...changed }
  if (next.model === 'implicit') next.solver = 'als'
  settings.value = next
  history.replaceState(null, '', location.pathname + writeAddress(next, planting.value) + location.hash)
}

function change(changed: Partial<TrainingView>): void {
  if (training.value !== undefined) training.value = { ...training.value, ...changed }
}

/** Other data: a training that failed on those before cannot go on. */
function dataChanged(summary: DataSummary): void {
  data.value = summary
  change({ keptEpoch: undefined })
}

async function modelChanged(summary: ModelSummary): Promise<void> {
  if (summary.source === 'trained') cameFrom({ model: undefined })
  model.value = summary
  await itemsChanged()
}

function cameFrom(files: (typeof sources)['value']): void {
  sources.value = { ...sources.value, ...files }
}

/** Asks anew what is known of the items, and makes the lists of items show it. */
async function itemsChanged(): Promise<void> {
  const summary = await saidOr(engine.titlesSummary(), undefined)
  batch(() => {
    titles.value = summary
    edition.value++
  })
}

/** Whether data may be replaced: asks where a training or a reading is under way. */
function mayReplaceData(what: string): Promise<boolean> {
  const training = isTraining()
  if (!training && reading.value === undefined) return Promise.resolve(true)
  return new Promise(resolve => {
    const choose = (replace: boolean) => () => {
      close()
      if (replace) stopAll()
      resolve(replace ? settled() : false)
    }
    const close = notify({
      tone: 'warning',
      title: training ? 'A training is under way' : 'A file is being read',
      text: training ? `Its model so far is kept if you stop it to ${what}.` : `It is left if you ${what}.`,
      actions: [
        { label: `Stop and ${what}`, run: choose(true), primary: true },
        { label: training ? 'Keep training' : 'Keep reading', run: choose(false) },
      ],
    })
  })
}

function stopAll(): void {
  stop()
  if (reading.value !== undefined) cancelReading()
}

/** True when neither a training nor a reading is under way any more. */
function settled(): Promise<boolean> {
  return new Promise(resolve => {
    const unsubscribe = [training.subscribe(check), reading.subscribe(check)]
    function check(): void {
      if (isTraining() || reading.value !== undefined) return
      queueMicrotask(() => {
        for (const end of unsubscribe) end()
        resolve(true)
      })
    }
  })
}
