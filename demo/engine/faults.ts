import {
  AbortedError,
  DeviceLostError,
  DivergedError,
  GpuUnavailableError,
  InputError,
  LimitExceededError,
  OptionError,
  OutOfMemoryError,
} from '../../src/index.ts'
import type { Fault, ModelSummary, Outcome } from './messages.ts'

/** Thrown where the session itself says no. */
export class Refusal extends Error {
  constructor(readonly fault: Fault) {
    super(fault.message)
  }
}

export const busy = (message: string) => new Refusal({ kind: 'busy', message })

/** What was asked about is not there. */
export const absent = (message: string) => new Refusal({ kind: 'input', message })

/** What the work that failed was given, as far as advice depends on it. */
export interface FaultContext {
  factors?: number | undefined
  /** The solver's own learning rate. */
  usualRate?: () => number
  /** The last epoch's model that a lost device leaves. */
  kept?: { epoch: number; model: ModelSummary } | undefined
}

/** Any error in words for a visitor. */
export function faultOf(error: unknown, context: FaultContext = {}): Fault {
  if (error instanceof Refusal) return error.fault
  if (error instanceof GpuUnavailableError) return noGpu(error)
  if (error instanceof DeviceLostError) return deviceLost(error, context)
  if (error instanceof LimitExceededError) return limit(error, context)
  if (error instanceof OutOfMemoryError) {
    const message = `The GPU has no memory left for ${error.what} (${error.bytes} bytes).`
    return { kind: 'memory', message, needed: error.bytes, ...fewer(half(context.factors)) }
  }
  if (error instanceof DivergedError) return diverged(error, context)
  if (error instanceof InputError) return input(error)
  if (error instanceof OptionError) return { kind: 'option', message: sentence(error.message), option: error.option }
  if (error instanceof AbortedError) return { kind: 'busy', message: 'This was stopped.' }
  if (error instanceof Error && unreadable.includes(error.name)) {
    return { kind: 'input', message: 'The file cannot be read: it was moved, changed or removed since it was chosen.' }
  }
  if (isAllocationFailure(error)) {
    return { kind: 'memory', message: 'The page has not enough memory for this.', ...fewer(half(context.factors)) }
  }
  return { kind: 'defect', message: error instanceof Error ? error.message : String(error) }
}

/** The value of `work`, or the fault that it ended with. */
export async function outcomeOf<Value>(
  work: () => Promise<Value> | Value,
  context: () => FaultContext = () => ({}),
): Promise<Outcome<Value>> {
  try {
    return { ok: true, value: await work() }
  } catch (error) {
    return { ok: false, fault: faultOf(error, context()) }
  }
}

function noGpu({ message }: GpuUnavailableError): Fault {
  const without = message.startsWith('WebGPU is not available')
  return {
    kind: 'no-gpu',
    message: without
      ? 'This browser gives the page no WebGPU. It needs a current browser that has it, and an address that starts with https or is localhost.'
      : 'This browser has WebGPU but found no GPU that it may use. Turn on hardware acceleration in its settings, update the graphics driver, and see what the browser says of its GPU at chrome://gpu or about:support.',
  }
}

function deviceLost({ reason }: DeviceLostError, { kept }: FaultContext): Fault {
  const rest = kept === undefined ? '' : ` The model as of epoch ${kept.epoch} is kept.`
  return {
    kind: 'device-lost',
    message: `The browser lost the GPU${reason === '' ? '' : ` (${reason.replace(/\.+$/, '')})`}.${rest}`,
    ...(kept === undefined ? {} : { keptEpoch: kept.epoch, keptModel: kept.model }),
  }
}

const limitsInBytes = ['maxStorageBufferBindingSize', 'maxBufferSize', 'maxComputeWorkgroupStorageSize']

/** Buffers whose size is in proportion to the rank. */
const growsWithFactors = /factors|gram|gradient|partials|products|directions|rows of a batch/

function limit(error: LimitExceededError, { factors }: FaultContext): Fault {
  const { what, limit: name, needed, available } = error
  if (!limitsInBytes.includes(name)) {
    return {
      kind: 'limit',
      message: `This is too much for the GPU: ${what} needs ${name} = ${needed} and there is ${available}.`,
    }
  }
  const inProportion = factors === undefined ? undefined : (factors * available) / needed
  const fitting = error.factors ?? (growsWithFactors.test(what) ? inProportion : undefined)
  return {
    kind: 'limit',
    message: `This is too large for the GPU: ${what} needs ${needed} bytes, and ${name} is ${available}.`,
    needed,
    available,
    ...fewer(fitting),
  }
}

/** The largest multiple of 4 up to a number, if there is one: rows of factors are stored in fours. */
function fewer(factors: number | undefined): { suggestedFactors?: number } {
  const suggested = factors === undefined ? 0 : 4 * Math.floor(factors / 4)
  return suggested < 4 ? {} : { suggestedFactors: suggested }
}

const half = (factors: number | undefined) => (factors === undefined ? undefined : factors / 2)

/** A rate far above the solver's own is not worth a second try in between. */
function diverged({ epoch, suggestedRate: lower, row }: DivergedError, { usualRate }: FaultContext): Fault {
  const suggestedRate = lower === undefined ? undefined : Math.min(lower, usualRate?.() ?? lower)
  const what =
    row === undefined
      ? `The training error grew without bound in epoch ${epoch + 1}.`
      : `The equations of ${row.side === 'users' ? 'user' : 'item'} ${row.id} have no finite solution in epoch ${epoch + 1}.`
  const advice =
    suggestedRate === undefined
      ? 'Try a larger penalty.'
      : `Try a learning rate of ${suggestedRate}, or a larger penalty.`
  return {
    kind: 'diverged',
    message: `${what} ${advice}`,
    ...(suggestedRate === undefined ? {} : { suggestedRate }),
  }
}

/** The problem of an input error without its place, which stands in fields of its own. */
function input({ message, file, line, text }: InputError): Fault {
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `
  const tail = text === undefined ? '' : `\n    ${text}`
  const from = message.startsWith(place) ? place.length : 0
  const to = tail !== '' && message.endsWith(tail) ? -tail.length : undefined
  return {
    kind: 'input',
    message: sentence(message.slice(from, to).replace(adviceOfFlags, '')),
    ...(file === undefined ? {} : { file }),
    ...(line === undefined ? {} : { line }),
    ...(text === undefined ? {} : { text }),
  }
}

/** What a reader says of its options and flags, last: the page has neither. */
const adviceOfFlags = /; [^;]*\(--[^;]*$/

/** Names of what browsers throw where a file is not there any more, or not as it was. */
const unreadable = ['NotFoundError', 'NotReadableError']

/** Engines say in words of their own that an array is too large: V8 by a RangeError, Firefox by an InternalError. */
function isAllocationFailure(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return /array buffer allocation|map maximum size|invalid (typed )?array (buffer )?length|out of memory|allocation size overflow|could not be allocated/i.test(
    error.message,
  )
}

const sentence = (words: string) => {
  const first = words.charAt(0).toUpperCase() + words.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}
