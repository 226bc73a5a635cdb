import { LowrankError } from '../errors.ts'
import { Interruption } from './interruption.ts'

/** An error as the `error` field of the JSON object: code, message and the numbers that explain it. */
export function describeError(error: unknown): Record<string, unknown> {
  if (error instanceof Interruption) return { code: 'ABORTED', message: error.message }
  if (!(error instanceof LowrankError)) return { code: 'DEFECT', message: messageOf(error) }
  const { code, name, cause, result, ...fields }: Record<string, unknown> = { ...error }
  return { code, message: error.message, ...fields }
}

/** An error as a person sees it; with its stack where `DEBUG` is `lowrank`. */
export function explainError(error: unknown): string {
  if (process.env.DEBUG === 'lowrank' && error instanceof Error) return withCauses(error)
  if (error instanceof Interruption) return error.message
  if (error instanceof LowrankError && error.code !== 'GPU_FAILED') return error.message
  return `${messageOf(error)}\nThis is a defect of lowrank or of the GPU's driver; DEBUG=lowrank shows where.`
}

function withCauses(error: Error): string {
  const stack = error.stack ?? error.message
  return error.cause instanceof Error ? `${stack}\ncaused by ${withCauses(error.cause)}` : stack
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
