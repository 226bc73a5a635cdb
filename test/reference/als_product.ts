import { dot } from './als.ts'

/** G p. */
export const alsProduct = (gram: readonly number[][], p: readonly number[]): number[] => gram.map(row => dot(row, p))
