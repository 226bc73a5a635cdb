import { InputError } from '../errors.ts'
import type { Gpu } from '../gpu/gpu.ts'
import type { Model } from '../model/model.ts'
import type { Parameters } from '../model/tables.ts'
import type { Solver } from '../solvers/solver.ts'
import type { SolverSnapshot } from '../solvers/solver-tables.ts'
import { createSolver } from './create-solver.ts'
import type { EpochReport } from './epoch-report.ts'
import { initialParameters } from './initialize.ts'
import { shapeOf } from './memory.ts'
import { checkMemory } from './memory-check.ts'
import type { Mark } from './progress.ts'
import { StateKeeper } from './state-keeper.ts'
import type { TrainingSetup } from './training-setup.ts'
import type { TrainingState } from './training-state.ts'
import { type ValidationMeter, validateErrors, validateRanking } from './validation.ts'
import { warmParameters } from './warm-start.ts'

/** What lies on the GPU while a training runs. */
export class Run {
  readonly solver: Solver
  readonly keeper: StateKeeper
  readonly meter: ValidationMeter | undefined
  /** The solver's tables after the last good epoch. */
  snapshot: SolverSnapshot | undefined

  private constructor(solver: Solver, keeper: StateKeeper, meter: ValidationMeter | undefined) {
    this.solver = solver
    this.keeper = keeper
    this.meter = meter
  }

  /** @throws OptionError, LimitExceededError, OutOfMemoryError, DeviceLostError */
  static async start(gpu: Gpu, setup: TrainingSetup, from: Model | undefined): Promise<Run> {
    checkMemory(shapeOf(setup), setup.options, gpu.capabilities)
    let drawn: Parameters | undefined
    const initial = () => {
      drawn ??= firstParameters(setup, from)
      return drawn
    }
    const solver = await createSolver(gpu, setup.train, setup.scale, initial, setup.options)
    const made: { destroy(): void }[] = [solver]
    try {
      const keeper = await StateKeeper.create(gpu, solver.tables, initial())
      made.push(keeper)
      const meter = await createMeter(gpu, solver, setup)
      if (meter !== undefined) made.push(meter)
      await gpu.idle()
      return new Run(solver, keeper, meter)
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

function firstParameters({ train, options }: TrainingSetup, from: Model | undefined): Parameters {
  const drawn = initialParameters(train, options)
  return from === undefined ? drawn : warmParameters(from, drawn)
}

async function createMeter(
  gpu: Gpu,
  { tables }: Solver,
  { ranked, scale, validation }: TrainingSetup,
): Promise<ValidationMeter | undefined> {
  if (ranked !== undefined) return validateRanking(gpu, tables, scale, ranked)
  return validation && (await validateErrors(gpu, tables, scale, validation))
}
