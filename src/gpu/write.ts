import { isShared, unshared } from '../data/shared.ts'

/** Bytes of shared memory that are copied at a time: as many as stay in the second cache. */
const pieceBytes = 2 ** 20

/** Writes bytes, shared ones too, to a buffer. */
export function writeBuffer(
  queue: GPUQueue,
  buffer: GPUBuffer,
  offset: number,
  data: ArrayBuffer | ArrayBufferView,
): void {
  const bytes = ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
  const step = isShared(bytes) ? pieceBytes : bytes.length
  for (let at = 0; at < bytes.length; at += step) {
    queue.writeBuffer(buffer, offset + at, unshared(bytes.subarray(at, at + step)))
  }
}
