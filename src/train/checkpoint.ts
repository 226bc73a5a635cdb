import * as v from 'valibot'
import { digest } from '../data/digest.ts'
import { InputError, type InputPlace } from '../errors.ts'
import { decodeSafetensors, encodeSafetensors, type Tensor } from '../model/safetensors.ts'
import type { Parameters } from '../model/tables.ts'
import { TensorReader } from '../model/tensor-reader.ts'
import type { TrainingState } from './training-state.ts'

const FORMAT = 'lowrank checkpoint'

/** To be raised whenever a solver packs its tables in another way, or an epoch computes other bits. */
const VERSION = 1

const noSum = '0'.repeat(64)

/** Name of each kept table in the file. */
const keptNames = {
  userFactors: 'kept.user_factors',
  itemFactors: 'kept.item_factors',
  userBias: 'kept.user_bias',
  itemBias: 'kept.item_bias',
} as const satisfies Record<keyof Parameters, string>

const SOLVER = 'solver.'

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER))
const finite = v.pipe(v.number(), v.finite())

const report = v.strictObject({
  epoch: count,
  trainLoss: finite,
  objective: finite,
  validationRmse: v.exactOptional(finite),
  validationNdcg: v.exactOptional(finite),
  rateScale: finite,
  halvings: v.exactOptional(count),
  seconds: finite,
  gpuSeconds: v.exactOptional(finite),
  phases: v.exactOptional(v.record(v.string(), finite)),
})

const training = v.strictObject({
  identity: v.strictObject({
    data: v.pipe(v.string(), v.hexadecimal(), v.length(64)),
    options: v.record(v.string(), v.union([v.string(), finite, v.boolean()])),
    plan: v.record(v.string(), v.union([v.string(), finite, v.boolean()])),
    adapter: v.string(),
  }),
  mark: v.strictObject({
    epoch: count,
    bestEpoch: count,
    best: v.exactOptional(finite),
    schedule: v.strictObject({ bold: finite, objective: v.exactOptional(finite) }),
    halvings: count,
  }),
  reports: v.array(report),
})

/** What a training is, as far as its result depends on it. */
export interface TrainingIdentity {
  /** SHA-256 over entries and ids, validation entries, and the model that it went on from, in hexadecimal. */
  data: string
  options: Readonly<Record<string, unknown>>
  /** How the solver cut the work. */
  plan: Readonly<Record<string, unknown>>
  /** The GPU. Another of the same plan may give other last bits. */
  adapter: string
}

/**
 * Where a training stood between two epochs, with all that it needs to go on: `new Training(gpu, ratings, { ...options,
 * resume })`, with the same ratings and options, ends with the same bytes of the model file as if it had never stopped.
 */
export class Checkpoint {
  readonly identity: TrainingIdentity
  readonly state: TrainingState

  constructor(identity: TrainingIdentity, state: TrainingState) {
    this.identity = identity
    this.state = state
  }

  /** Epochs that are done. */
  get epoch(): number {
    return this.state.mark.epoch
  }

  /**
   * The bytes of a checkpoint file, in pieces, in order: safetensors with
   *
   * - `training` U8, JSON in UTF-8: what the training is, where it stands, a report for each epoch
   * - `solver.<table>` U8, each of the solver's tables as the GPU holds it
   * - `kept.user_factors`, `kept.item_factors` F32 [users x k, items x k], `kept.user_bias`, `kept.item_bias` F32 [users,
   *   items]: the best epoch's parameters, where that is not the last
   * - in the metadata `format` "lowrank checkpoint", `version` "1", and `checksum`: the `digest` of all pieces with a
   *   checksum of zeros
   */
  async encode(): Promise<Uint8Array[]> {
    const { mark, reports, solver, kept } = this.state
    const json = new TextEncoder().encode(JSON.stringify({ identity: this.identity, mark, reports }))
    const tensors: Tensor[] = [vector('training', json)]
    for (const [name, bytes] of solver) tensors.push(vector(`${SOLVER}${name}`, bytes))
    if (kept !== undefined) {
      for (const part of keptParts) tensors.push(vector(keptNames[part], kept[part]))
    }
    return encodeSafetensors(tensors, metadata(await checksumOf(tensors)))
  }

  /**
   * Reads a checkpoint file. Nothing is allocated on its word; its tables are views of `bytes` where alignment allows.
   * @param file names the file in errors
   * @throws InputError for anything but a whole, undamaged file of this version
   */
  static async decode(bytes: Uint8Array, file?: string): Promise<Checkpoint> {
    try {
      return await decode(bytes, { file })
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause
      // The call stack is the bound of how deep JSON may be nested.
      throw new InputError('a header is nested too deeply', { file }, { cause })
    }
  }
}

const keptParts = Object.keys(keptNames) as (keyof Parameters)[]

const vector = (name: string, data: Float32Array | Uint8Array): Tensor => ({ name, shape: [data.length], data })

const metadata = (checksum: string) => ({ format: FORMAT, version: String(VERSION), checksum })

const checksumOf = (tensors: readonly Tensor[]) => digest(encodeSafetensors(tensors, metadata(noSum)))

async function decode(bytes: Uint8Array, place: InputPlace): Promise<Checkpoint> {
  const { tensors, metadata } = decodeSafetensors(bytes, place.file)
  checkFormat(metadata, place)
  if (metadata.size !== 3 || metadata.get('checksum') !== (await checksumOf([...tensors.values()]))) {
    throw new InputError('the checkpoint is damaged: its checksum does not fit its content', place)
  }
  const reader = new TensorReader(tensors, place)
  const { identity, mark, reports } = readTraining(reader)
  const solver = new Map<string, Uint8Array<ArrayBuffer>>()
  for (const name of tensors.keys()) {
    if (!name.startsWith(SOLVER)) continue
    // Typed arrays of a file's bytes are over plain memory.
    const table = reader.take(name, Uint8Array, [undefined]) as Uint8Array<ArrayBuffer>
    solver.set(name.slice(SOLVER.length), table)
  }
  const state = { mark, reports, solver }
  const hasKept = reader.has(keptNames.userFactors)
  const take = (part: keyof Parameters) => reader.take(keptNames[part], Float32Array, [undefined])
  const kept = hasKept ? Object.fromEntries(keptParts.map(part => [part, take(part)])) : undefined
  reader.finish()
  return new Checkpoint(identity, kept === undefined ? state : { ...state, kept: kept as unknown as Parameters })
}

function readTraining(reader: TensorReader): v.InferOutput<typeof training> {
  const text = reader.take('training', Uint8Array, [undefined])
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(text))
  } catch (cause) {
    if (cause instanceof RangeError) throw cause
    throw reader.fail('the tensor training is not JSON', cause)
  }
  const result = v.safeParse(training, json, { abortEarly: true })
  if (!result.success) {
    const [issue] = result.issues
    throw reader.fail(`the tensor training is wrong at ${v.getDotPath(issue) ?? 'its root'}: ${issue.message}`)
  }
  const { mark, reports } = result.output
  if (mark.epoch !== reports.length || mark.bestEpoch > mark.epoch) {
    throw reader.fail(
      `the tensor training is of ${mark.epoch} epochs, the best ${mark.bestEpoch}, with ${reports.length} reports`,
    )
  }
  return result.output
}

function checkFormat(metadata: ReadonlyMap<string, string>, place: InputPlace): void {
  if (metadata.get('format') !== FORMAT) {
    throw new InputError(`a safetensors file, but no checkpoint: its metadata lack format "${FORMAT}"`, place)
  }
  const version = metadata.get('version') ?? 'nothing'
  if (version !== String(VERSION)) {
    throw new InputError(
      `a checkpoint of version ${JSON.stringify(version.slice(0, 60))}; this lowrank goes on from version ${VERSION} only`,
      place,
    )
  }
}
