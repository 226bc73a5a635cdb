/** Data that a block may refer back to: what the zstd program takes unless told otherwise. */
const LARGEST_WINDOW = 1 << 27

/** What a frame header says; the magic in front of it included. */
export interface FrameHeader {
  bytes: number
  /** Bytes of the check sum behind the last block. */
  checksum: number
  /** Size of the frame's data, where it is known. */
  size: number | undefined
}

/** The size of a frame header whose fifth byte this is, and of the check sum at the frame's end. */
export function frameLayout(descriptor: number) {
  const single = ((descriptor >> 5) & 1) === 1
  const dictionary = [0, 1, 2, 4][descriptor & 3]!
  const size = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!
  return { bytes: 5 + (single ? 0 : 1) + dictionary + size, checksum: descriptor & 4, single, dictionary, size }
}

/** @throws Error for a header that libzstd would refuse. */
export function frameHeader(bytes: Uint8Array): FrameHeader {
  const layout = frameLayout(bytes[4]!)
  if ((bytes[4]! & 8) !== 0) throw new Error('a reserved bit of the frame header is set')
  const end = layout.bytes
  let dictionary = 0
  let size = 0
  for (let at = end - layout.size - 1; at >= end - layout.size - layout.dictionary; at--) {
    dictionary = dictionary * 256 + bytes[at]!
  }
  for (let at = end - 1; at >= end - layout.size; at--) size = size * 256 + bytes[at]!
  if (layout.size === 2) size += 256
  if (dictionary !== 0) throw new Error('the data needs a dictionary')
  const window = layout.single ? size : 2 ** (10 + (bytes[5]! >> 3)) * (1 + (bytes[5]! & 7) / 8)
  if (window > LARGEST_WINDOW) throw new Error(`the data needs a window of ${window} bytes`)
  return { bytes: end, checksum: layout.checksum, size: layout.size === 0 ? undefined : size }
}
