import { InputError, LimitExceededError, OutOfMemoryError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Model } from '../model/model.ts'
import type { Parameters } from '../model/tables.ts'
import type { Solver } from '../solvers/solver.ts'
import type { SolverSnapshot } from '../solvers/solver-tables.ts'
import { createSolver } from './create-solver.ts'
import { drawParameters } from './draw-parameters.ts'
import type { EpochReport } from './epoch-report.ts'
import { shapeOf, type TrainingMemory } from './memory.ts'
import { checkMemory } from './memory-check.ts'
import type { Mark } from './progress.ts'
import { roomIn, smallerRooms, type TrainingRoom } from './room.ts'
import { StateKeeper } from './state-keeper.ts'
import type { TrainingSetup } from './training-setup.ts'
import type { TrainingState } from './training-state.ts'
import { type ValidationMeter, validateErrors, validateRanking } from './validation.ts'
import { warmParameters } from './warm-start.ts'

/** What a run takes beside its setup. */
export interface RunExtras {
  from: Model | undefined
  /** Whether a second set of the solver's tables is kept. */
  resumable: boolean
  /** Bytes of buffers that there may be at once. */
  memory: number | undefined
  /** What came of runs before, on a GPU that had no memory for them. */
  short: ShortMemory | undefined
}

export interface ShortMemory {
  /** Rooms that were tried in vain. */
  tried: number
  failure: OutOfMemoryError
}

/** What lies on the GPU while a training runs. */
export class Run {
  readonly solver: Solver
  readonly keeper: StateKeeper
  readonly meter: ValidationMeter | undefined
  /** The solver's tables after the last good epoch, where they are wanted. */
  readonly snapshot: SolverSnapshot | undefined
  /** Rooms that were tried in vain before. */
  readonly tried: number

  private constructor(solver: Solver, keeper: StateKeeper, others: Pick<Run, 'meter' | 'snapshot' | 'tried'>) {
    this.solver = solver
    this.keeper = keeper
    this.meter = others.meter
    this.snapshot = others.snapshot
    this.tried = others.tried
  }

  /**
   * Streams entries where there is no room for all of them; tries it with less and less of it where the GPU has no memory.
   * @throws OptionError, LimitExceededError, OutOfMemoryError, DeviceLostError
   */
  static async start(gpu: Gpu, setup: TrainingSetup, { from, resumable, memory, short }: RunExtras): Promise<Run> {
    const bounds = { resumable, bytes: memory }
    const needed = checkMemory(shapeOf(setup), setup.options, gpu.capabilities, bounds)
    let drawing: Promise<Parameters> | undefined
    const initial = () => {
      drawing ??= firstParameters(gpu, setup, from)
      // What fails meanwhile may end the solver before it waits for them.
      drawing.catch(() => {})
      return drawing
    }
    const keepsSnapshot = resumable || setup.options.onDivergence === 'halve-rate'
    const rooms = smallerRooms(roomIn(needed, memory ?? Number.POSITIVE_INFINITY), needed)
    let failure = short?.failure
    for (let tried = short?.tried ?? 0; tried < rooms.length; tried++) {
      try {
        return await Run.#create(gpu, setup, initial, { keepsSnapshot, room: rooms[tried]!, tried })
      } catch (error) {
        // The least room is estimated; the GPU's memory is what there is too little of all the same.
        if (error instanceof OutOfMemoryError) failure = error
        else if (failure === undefined || !(error instanceof LimitExceededError)) throw error
      }
    }
    throw outOfMemory(failure!, needed)
  }

  static async #create(
    gpu: Gpu,
    setup: TrainingSetup,
    initial: () => Promise<Parameters>,
    { keepsSnapshot, room, tried }: { keepsSnapshot: boolean; room: TrainingRoom; tried: number },
  ): Promise<Run> {
    const solver = await createSolver(gpu, setup.train, setup.scale, initial, setup.options, room)
    const made: { destroy(): void }[] = [solver]
    try {
      const keeper = await StateKeeper.create(gpu, solver.tables, await initial())
      made.push(keeper)
      const meter = await createMeter(gpu, solver, setup, room)
      if (meter !== undefined) made.push(meter)
      const snapshot = keepsSnapshot ? await solver.state.snapshot() : undefined
      if (snapshot !== undefined) made.push(snapshot)
      await gpu.idle()
      return new Run(solver, keeper, { meter, snapshot, tried })
    } catch (error) {
      for (const part of made) part.destroy()
      throw error
    }
  }

  /** The state as of `mark`, copied to the host from the solver's own tables or from those of the snapshot. */
  async read(
    source: Pick<SolverSnapshot, 'read'>,
    mark: Mark,
    reports: readonly EpochReport[],
  ): Promise<TrainingState> {
    const solver = await source.read()
    const state = { mark, reports: reports.slice(0, mark.epoch), solver }
    return isLast(mark) ? state : { ...state, kept: (await this.keeper.read()).parameters }
  }

  /** @throws InputError for a state that is not one of this training */
  async restore({ mark, solver, kept }: TrainingState): Promise<void> {
    if (kept === undefined && !isLast(mark))
      throw new InputError(`the state of the best epoch ${mark.bestEpoch} is missing`)
    await this.solver.state.write(solver)
    if (kept === undefined) await this.keeper.keep(this.solver.tables, mark.epoch)
    else this.keeper.put({ epoch: mark.bestEpoch, parameters: kept })
    await this.keeper.read()
    await this.snapshot?.take()
  }

  destroy(): void {
    this.snapshot?.destroy()
    this.meter?.destroy()
    this.keeper.destroy()
    this.solver.destroy()
  }
}

/** Whether the solver's tables hold what would be returned; initial parameters in halves are not the ones that were drawn. */
const isLast = ({ epoch, bestEpoch }: Mark) => epoch > 0 && bestEpoch === epoch

async function firstParameters(
  { threads }: Gpu,
  { train, options }: TrainingSetup,
  from: Model | undefined,
): Promise<Parameters> {
  const drawn = await drawParameters(threads, train, options)
  return from === undefined ? drawn : warmParameters(from, drawn)
}

async function createMeter(
  gpu: Gpu,
  { tables }: Solver,
  { ranked, scale, validation }: TrainingSetup,
  { pieceByPiece }: TrainingRoom,
): Promise<ValidationMeter | undefined> {
  if (ranked !== undefined) return validateRanking(gpu, tables, scale, ranked)
  return validation && (await validateErrors(gpu, tables, scale, { entries: validation, pieceByPiece }))
}

/** The error with what was tried, and what would help. */
function outOfMemory({ what, bytes }: OutOfMemoryError, { least }: TrainingMemory): OutOfMemoryError {
  const tried = `the training needs ${least} bytes at least, with its entries streamed`
  return new OutOfMemoryError(
    what,
    bytes,
    `${tried}; take fewer factors or the precision f16, or free memory of the GPU`,
  )
}
