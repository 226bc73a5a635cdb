import { type ErrorCode, LowrankError } from '../errors.ts'
import { Interruption } from './interruption.ts'

/** What the program's exit status means. */
export const exitCodes = {
  done: 0,
  /** A defect in lowrank or in the driver. */
  defect: 1,
  usage: 2,
  input: 3,
  gpu: 4,
  diverged: 5,
  interrupted: 130,
} as const

const codes: Readonly<Record<ErrorCode, number>> = {
  OPTION: exitCodes.usage,
  INPUT: exitCodes.input,
  OUTPUT: exitCodes.input,
  GPU_UNAVAILABLE: exitCodes.gpu,
  LIMIT_EXCEEDED: exitCodes.gpu,
  OUT_OF_MEMORY: exitCodes.gpu,
  DEVICE_LOST: exitCodes.gpu,
  GPU_FAILED: exitCodes.defect,
  DIVERGED: exitCodes.diverged,
  ABORTED: exitCodes.interrupted,
}

/** The exit status for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interruption) return exitCodes.interrupted
  return error instanceof LowrankError ? codes[error.code] : exitCodes.defect
}
