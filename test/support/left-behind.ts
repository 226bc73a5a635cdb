import { temporaryName } from '../../src/node/temporary.ts'

/** The name of a temporary file of a process that has gone. No system gives out ids as large. */
export const leftBehind = (prefix: string, suffix = '') =>
  temporaryName(prefix, suffix).replace(`.${process.pid}.`, `.${2 ** 30}.`)
