/**
 * Decodes integers of `width` bits in Parquet's hybrid of runs and bit-packed groups of eight, until `out` is full.
 * @throws Error where the bytes end before.
 */
export function unpackHybrid(bytes: Uint8Array, width: number, out: Uint8Array | Uint32Array): void {
  if (width > 32) throw new Error(`values of ${width} bits`)
  let at = 0
  let filled = 0
  while (filled < out.length) {
    let header = 0
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++]
      if (byte === undefined || shift > 28) throw new Error('a run does not begin as one')
      header = (header | ((byte & 0x7f) << shift)) >>> 0
      more = byte >= 0x80
    }
    const room = out.length - filled
    if ((header & 1) === 1) {
      const count = Math.min(room, (header >>> 1) * 8)
      if (Math.ceil((count * width) / 8) > bytes.length - at) throw new Error('bit-packed values are cut off')
      unpackBits(bytes, at, width, out, filled, count)
      at += (header >>> 1) * width
      filled += count
    } else {
      const size = Math.ceil(width / 8)
      if (size > bytes.length - at) throw new Error('a run is cut off')
      let value = 0
      for (let byte = 0; byte < size; byte++) value |= bytes[at + byte]! << (8 * byte)
      at += size
      const count = Math.min(room, header >>> 1)
      out.fill(value >>> 0, filled, filled + count)
      filled += count
    }
  }
}

function unpackBits(
  bytes: Uint8Array,
  at: number,
  width: number,
  out: Uint8Array | Uint32Array,
  filled: number,
  count: number,
): void {
  const mask = width === 32 ? 0xffffffff : 2 ** width - 1
  // Values of up to 25 bits lie in four bytes wherever they begin.
  if (width > 25) {
    for (let k = 0; k < count; k++) {
      let value = 0
      for (let bit = 0; bit < width; bit++) {
        const place = k * width + bit
        if ((bytes[at + (place >>> 3)]! >>> (place & 7)) & 1) value += 2 ** bit
      }
      out[filled + k] = value
    }
    return
  }
  let byte = at
  let shift = 0
  for (let k = 0; k < count; k++) {
    const word = bytes[byte]! | (bytes[byte + 1]! << 8) | (bytes[byte + 2]! << 16) | (bytes[byte + 3]! << 24)
    out[filled + k] = (word >>> shift) & mask
    shift += width
    byte += shift >>> 3
    shift &= 7
  }
}
