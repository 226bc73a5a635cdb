/** Whether bytes lie in memory that threads share, which the platform's own functions refuse or, in Node, may die of. */
export const isShared = ({ buffer }: ArrayBufferView): boolean => !(buffer instanceof ArrayBuffer)

/** The same bytes; a copy where they are shared. */
export const unshared = (bytes: Uint8Array): Uint8Array<ArrayBuffer> =>
  isShared(bytes) ? bytes.slice() : (bytes as Uint8Array<ArrayBuffer>)
