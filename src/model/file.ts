import type { ModelParts } from './parts.ts'
export const decodeModel = (_b: Uint8Array, _f?: string): ModelParts => { throw new Error() }
export const encodeModel = (_p: ModelParts): Uint8Array[] => []
