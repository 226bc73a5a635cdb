/** Width and height of the map in CSS pixels. */
export interface Size {
  width: number
  height: number
}

/** From the map's coordinates to pixels, y upwards: px = x scale + left, py = top - y scale. */
export interface Placing {
  scale: number
  left: number
  top: number
}

/** Zoom and shift of the whole map, as d3-zoom gives them. */
export interface Shift {
  k: number
  x: number
  y: number
}

export interface Point {
  x: number
  y: number
}

/** Pixels left free around the points. */
const MARGIN = 28

/** The largest placing that shows all points, in the middle. */
export function fitted(x: Float32Array, y: Float32Array, { width, height }: Size): Placing {
  const [left, right] = extent(x)
  const [bottom, top] = extent(y)
  const across = (width - 2 * MARGIN) / Math.max(right - left, 1e-9)
  const upwards = (height - 2 * MARGIN) / Math.max(top - bottom, 1e-9)
  // A single point has no extent.
  const scale = Math.max(1, Math.min(across, upwards, 2 * (width + height)))
  return {
    scale,
    left: width / 2 - (scale * (left + right)) / 2,
    top: height / 2 + (scale * (bottom + top)) / 2,
  }
}

export function shifted({ scale, left, top }: Placing, { k, x, y }: Shift): Placing {
  return { scale: k * scale, left: k * left + x, top: k * top + y }
}

function extent(values: Float32Array): [least: number, most: number] {
  let least = 0
  let most = 0
  for (const value of values) {
    if (value < least) least = value
    if (value > most) most = value
  }
  return [least, most]
}

/** Square pixels of the map for each point that leave points their full size. */
const ROOM = 190

/**
 * Radius of each point in pixels, 2 to 7 by the square root of its entries; down to half of that where there is little room
 * for so many points, so that they do not become one.
 */
export function radii(count: Uint32Array, { width, height }: Size): Float32Array {
  let most = 0
  for (const entries of count) if (entries > most) most = entries
  const crowd = Math.min(1, Math.max(0.5, Math.sqrt((width * height) / (ROOM * count.length))))
  return Float32Array.from(count, entries => crowd * (most === 0 ? 3.5 : 2 + 5 * Math.sqrt(entries / most)))
}

/** How much points grow when the map does: less than the map, so that they come apart. */
export const growth = (zoom: number): number => Math.min(2, Math.max(1, zoom) ** 0.35)
