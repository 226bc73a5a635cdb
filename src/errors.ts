/** The closed set of errors that lowrank throws. Each has a stable `code` and the numbers that explain it. */
export type ErrorCode =
  | 'OPTION'
  | 'INPUT'
  | 'OUTPUT'
  | 'GPU_UNAVAILABLE'
  | 'LIMIT_EXCEEDED'
  | 'OUT_OF_MEMORY'
  | 'GPU_FAILED'
  | 'DEVICE_LOST'
  | 'DIVERGED'
  | 'ABORTED'

export abstract class LowrankError extends Error {
  abstract readonly code: ErrorCode

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** An option has a value that it cannot take, or a name that nobody knows. */
export class OptionError extends LowrankError {
  readonly code = 'OPTION'

  constructor(
    readonly option: string,
    message: string,
    /** The known option whose name is nearest to an unknown one. */
    readonly nearest?: string,
  ) {
    super(message)
  }
}

export interface InputPlace {
  /** The file as the caller named it; absent for bytes and arrays. */
  file?: string | undefined
  /** Line number, counted from 1. */
  line?: number | undefined
  /** The line itself, cut to what fits on a screen. */
  text?: string | undefined
}

/** Ratings, a model file or arrays are not what was expected. */
export class InputError extends LowrankError {
  readonly code = 'INPUT'
  readonly file: string | undefined
  readonly line: number | undefined
  readonly text: string | undefined

  constructor(problem: string, place: InputPlace = {}, options?: ErrorOptions) {
    const where = place.file === undefined ? '' : `${place.file}${place.line === undefined ? '' : `:${place.line}`}: `
    super(`${where}${problem}${place.text === undefined ? '' : `\n    ${place.text}`}`, options)
    this.file = place.file
    this.line = place.line
    this.text = place.text
  }
}

/** A file cannot be written; what stood there before is unchanged. */
export class OutputError extends LowrankError {
  readonly code = 'OUTPUT'

  constructor(
    problem: string,
    readonly file: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${problem}`, options)
  }
}

/** No WebGPU here, or no adapter behind it. */
export class GpuUnavailableError extends LowrankError {
  readonly code = 'GPU_UNAVAILABLE'

  constructor(
    problem: string,
    /** What to do or to run. */
    readonly remedy: string,
  ) {
    super(`${problem}\n${remedy}`)
  }
}

/** Never less than there are. */
const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20 / 0.01) / 100} MiB`

/** Something needs more than a limit of the device, or than the caller allows (`memory`, in bytes); nothing was allocated. */
export class LimitExceededError extends LowrankError {
  readonly code = 'LIMIT_EXCEEDED'

  constructor(
    readonly what: string,
    readonly limit: string,
    readonly needed: number,
    readonly available: number,
    advice = '',
    /** The most factors with which it would fit, where that is known. */
    readonly factors?: number,
  ) {
    const numbers =
      limit === 'memory'
        ? `${mebibytes(needed)} of memory, there may be ${mebibytes(available)}`
        : `${limit} = ${needed}, the device has ${available}`
    super(`${what} needs ${numbers}${advice === '' ? '' : `; ${advice}`}`)
  }
}

/** The device had no memory for a buffer. */
export class OutOfMemoryError extends LowrankError {
  readonly code = 'OUT_OF_MEMORY'

  constructor(
    readonly what: string,
    readonly bytes: number,
    advice = '',
  ) {
    super(`the GPU has no memory for ${what} (${bytes} bytes)${advice === '' ? '' : `; ${advice}`}`)
  }
}

/** WebGPU reported a validation or an internal error: a defect in lowrank or in the driver. */
export class GpuFailedError extends LowrankError {
  readonly code = 'GPU_FAILED'
}

/** What a training that ended early still has to give. */
export interface Interrupted<Result> {
  /** The last epoch that was finished, counted from 1; 0 before the first. */
  epoch: number
  /** The result as of that epoch, or as of the last one that was copied to the host. */
  result: Result | undefined
}

/** The device was lost: driver reset, GPU removed, `device.destroy()`. */
export class DeviceLostError<Result = unknown> extends LowrankError implements Interrupted<Result> {
  readonly code = 'DEVICE_LOST'
  epoch = 0
  result: Result | undefined

  constructor(readonly reason: string) {
    super(`the GPU device was lost: ${reason}`)
  }
}

/** What made a training diverge, and what to try against it. */
export interface Divergence {
  /** A lower learning rate, where there is one. */
  suggestedRate?: number | undefined
  /** The row whose equations have no finite solution, with its raw id. */
  row?: { side: 'users' | 'items'; row: number; id: number | string } | undefined
}

/** The training loss is no longer finite or grows without bound, or a row's equations have no finite solution. */
export class DivergedError<Result = unknown> extends LowrankError implements Interrupted<Result> {
  readonly code = 'DIVERGED'
  readonly suggestedRate: number | undefined
  readonly row: Divergence['row']

  constructor(
    readonly epoch: number,
    readonly loss: number,
    { suggestedRate, row }: Divergence,
    readonly result: Result | undefined,
  ) {
    const problem =
      row === undefined
        ? `mean loss ${loss}`
        : `the equations of ${row.side.slice(0, -1)} ${JSON.stringify(row.id)} (row ${row.row}) have no finite solution`
    const advice = suggestedRate === undefined ? 'a larger regularization' : `a learning rate of ${suggestedRate}`
    super(`training diverged in epoch ${epoch + 1} (${problem}); try ${advice}; the state after epoch ${epoch} is kept`)
    this.suggestedRate = suggestedRate
    this.row = row
  }
}

/** The caller's `AbortSignal` fired. `cause` is its reason. */
export class AbortedError<Result = unknown> extends LowrankError implements Interrupted<Result> {
  readonly code = 'ABORTED'

  constructor(
    readonly epoch: number,
    readonly result: Result | undefined,
    options?: ErrorOptions,
  ) {
    super(`training was aborted after epoch ${epoch}`, options)
  }
}
