import type { Ratings } from '../data/ratings.ts'
import { rowCounts } from '../data/row-counts.ts'
import type { BufferOwner } from '../gpu/buffers.ts'
import type { Gpu } from '../gpu/gpu.ts'
import { GpuTimer } from '../gpu/timer.ts'
import { occupiedRows } from '../layout/rows.ts'
import { FactorTables, type ModelScale, type Parameters } from '../model/tables.ts'
import { alsCost } from './als-cost.ts'
import { createHalf, type Half, packHalves, type SideName, sides } from './als-half.ts'
import type { AlsOptions } from './als-options.ts'
import { type StoredBlocks, storeBlocks } from './als-pack.ts'
import { type AlsPlan, planAls } from './als-plan.ts'
import { fitToDevice } from './als-probe.ts'
import type { Residency, Room } from './entry-store.ts'
import { type EpochOrder, type EpochSums, type Solver, type SolverPlan, shardFigure } from './solver.ts'
import { SolverTables } from './solver-tables.ts'

// Minimises, one side at a time with the other fixed,
//
//   explicit       sum over entries (r - mu - b_u - b_i - p_u . q_i)^2
//   by confidence  sum over entries (1 + alpha r) (1 - p_u . q_i)^2  +  sum over all other cells (p_u . q_i)^2
//   by one weight  sum over entries (1 - p_u . q_i)^2  +  w0 sum over all cells (p_u . q_i)^2
//
// plus sum over rows of lambda w (|p|^2 + b^2). Each row is a linear system of its own,
//
//   (sum weight q q^T + w0 G + lambda w I) p = b,   G = Q^T Q,
//
// in which a bias is one more unknown beside p, whose column is of ones (Zhou et al., Large-scale parallel collaborative
// filtering for the Netflix prize, 2008; implicit: see `als-options.ts`). G, which all rows share, is made once for each half
// of an iteration. Rows do not depend on one another, and every sum is added in a fixed order: the same bits each time.

export class AlsSolver implements Solver {
  readonly tables: FactorTables
  readonly plan: SolverPlan
  readonly state: SolverTables
  readonly residency: Residency
  readonly #gpu: Gpu
  readonly #buffers: BufferOwner
  readonly #halves: Record<SideName, Half>

  private constructor(
    gpu: Gpu,
    buffers: BufferOwner,
    tables: FactorTables,
    plan: SolverPlan,
    halves: Record<SideName, Half>,
    residency: Residency,
  ) {
    this.tables = tables
    this.plan = plan
    this.state = new SolverTables(gpu, { ...tables.buffers })
    this.residency = residency
    this.#gpu = gpu
    this.#buffers = buffers
    this.#halves = halves
  }

  /**
   * Packs the ratings, uploads them and the initial parameters, compiles the kernels.
   * @param initial drawn once there is room for them
   * @param chosen instead of what `planAls` makes of the device
   * @param room for the entries of both sides; they are streamed where it is too small for all
   * @throws LimitExceededError, OutOfMemoryError
   */
  static async create(
    gpu: Gpu,
    ratings: Ratings,
    scale: Pick<ModelScale, 'mean'>,
    initial: () => Parameters | Promise<Parameters>,
    options: AlsOptions,
    chosen?: AlsPlan,
    room?: Room,
  ): Promise<AlsSolver> {
    const plan = await fitToDevice(gpu, chosen ?? planAls(options, gpu.capabilities))
    const buffers = gpu.buffers()
    const timers = { users: new GpuTimer(gpu, buffers), items: new GpuTimer(gpu, buffers) }
    try {
      const shape = { users: ratings.userCount, items: ratings.itemCount, factors: options.factors }
      const tables = new FactorTables(buffers, shape)
      await gpu.settle(buffers)
      const drawing = initial()
      const run = { ratings, scale, options, plan, tables }
      const packed = packHalves(buffers, run)
      tables.write(gpu, await drawing)
      // One ring for both sides, which take turns.
      const stored = await storeBlocks(
        gpu,
        buffers,
        sides.map(name => packed[name].packed),
        room,
      )
      const split = packed.users.packed.blocks.length
      const own = { users: partOf(stored, 0, split), items: partOf(stored, split) }
      const create = (name: SideName) =>
        createHalf(gpu, buffers, name, { ...run, timer: timers[name] }, packed[name], own[name])
      const halves = { users: await create('users'), items: await create('items') }
      await gpu.settle(buffers)
      return new AlsSolver(
        gpu,
        buffers,
        tables,
        { ...describe(ratings, options, plan, halves), ...shardFigure(tables) },
        halves,
        stored.residency,
      )
    } catch (error) {
      for (const name of sides) timers[name].destroy()
      buffers.destroy()
      throw error
    }
  }

  async runEpoch({ signal }: EpochOrder): Promise<EpochSums> {
    const phases: Record<string, number> = {}
    let gpuSeconds: number | undefined = 0
    for (const name of sides) {
      const began = performance.now()
      gpuSeconds = add(gpuSeconds, await this.#runHalf(this.#halves[name], signal))
      phases[name] = (performance.now() - began) / 1000
    }
    const { users, items } = this.#halves
    const [[objective], userPenalty, itemPenalty] = await Promise.all([
      items.objective.read(),
      readPenalties(users),
      readPenalties(items),
    ])
    // An item's objective holds its own penalty.
    const squaredError = Math.max(0, objective - itemPenalty)
    const failure = Number.isFinite(objective + userPenalty) ? undefined : await this.#unsolved()
    return {
      squaredError: Number.isFinite(objective) ? squaredError : Number.NaN,
      penalty: userPenalty + itemPenalty,
      gpuSeconds,
      phases,
      failure,
    }
  }

  async #runHalf({ side, objective, penalties, timer, submitter, loads }: Half, signal: AbortSignal | undefined) {
    const { steps } = side
    return await submitter.run(
      'als',
      steps.length + 1,
      (pass, step) => {
        if (step < steps.length) return steps[step]!(pass)
        objective.encode(pass)
        for (const penalty of penalties) penalty.encode(pass)
      },
      { signal, loads, read: () => timer.seconds() },
    )
  }

  /** The first row whose objective is not finite: of the users, then of the items, which follow from them. */
  async #unsolved(): Promise<EpochSums['failure']> {
    for (const side of sides) {
      const { side: half, objective } = this.#halves[side]
      const pairs = new Float32Array(await this.#gpu.read(objective.pairs, 8 * half.rows.length))
      const broken = half.rows.filter((_, place) => !Number.isFinite(pairs[2 * place]))
      if (broken.length > 0) return { side, row: broken.reduce((least, row) => Math.min(least, row)) }
    }
    return undefined
  }

  destroy(): void {
    for (const name of sides) this.#halves[name].timer.destroy()
    this.#buffers.destroy()
  }
}

/** Of the blocks `from` to `to - 1`. */
const partOf = ({ buffers, loads }: StoredBlocks, from: number, to?: number) => ({
  buffers: buffers.slice(from, to),
  loads: loads.slice(from, to),
})

async function readPenalties({ penalties }: Half): Promise<number> {
  const parts = await Promise.all(penalties.map(penalty => penalty.read()))
  return parts.reduce((sum, part) => sum + part, 0)
}

const add = (one: number | undefined, two: number | undefined) =>
  one === undefined || two === undefined ? undefined : one + two

function describe(
  ratings: Ratings,
  options: AlsOptions,
  plan: AlsPlan,
  { users, items }: Record<SideName, Half>,
): SolverPlan {
  const { slices, exact } = plan
  const cost = (name: SideName) =>
    alsCost({
      rows: occupiedRows(rowCounts(ratings)[name]),
      fixedRows: name === 'users' ? ratings.itemCount : ratings.userCount,
      entries: ratings.length,
      options,
      plan,
    })
  return {
    reproducible: true,
    rowSolver: exact === undefined ? 'cg' : 'exact',
    ...(exact === undefined
      ? { steps: plan.steps, lanes: slices.lanes, slices: plan.slicesPerWorkgroup, subgroups: slices.subgroups }
      : { threads: exact.tiles.threads, tiles: exact.tiles.tiles }),
    userBlocks: users.side.blocks,
    itemBlocks: items.side.blocks,
    segments: users.side.segments + items.side.segments,
    userBytes: cost('users').bytes,
    itemBytes: cost('items').bytes,
    userOperations: cost('users').operations,
    itemOperations: cost('items').operations,
  }
}
