import type { Point, Size } from './geometry.ts'

export interface Label {
  /** Index of the point. */
  point: number
  text: string
  /** Left end and middle line of the text. */
  x: number
  y: number
}

interface Wanted {
  /** Points in the order in which they are served. */
  points: Iterable<number>
  /** In pixels; undefined for a point that is not shown. */
  placeOf: (point: number) => Point | undefined
  radiusOf: (point: number) => number
  textOf: (point: number) => string
  /** In pixels. */
  widthOf: (text: string) => number
  size: Size
  /** Where something else stands: no label there. */
  blocked?: Box | undefined
  most: number
}

const HEIGHT = 16
/** Free pixels around a label: labels that nearly touch read as one. */
const SPACE = 10
const GAP = 4
const LONGEST = 30

/** Puts texts beside points, right or left of them, so that none meets another or the edge. */
export function placeLabels({ points, placeOf, radiusOf, textOf, widthOf, size, blocked, most }: Wanted): Label[] {
  const labels: Label[] = []
  const taken = blocked === undefined ? [] : [blocked]
  for (const point of points) {
    if (labels.length >= most) break
    const place = placeOf(point)
    if (place === undefined) continue
    const text = shortened(textOf(point))
    const width = widthOf(text)
    const away = radiusOf(point) + GAP
    for (const x of [place.x + away, place.x - away - width]) {
      const box = { left: x, right: x + width, top: place.y - HEIGHT / 2, bottom: place.y + HEIGHT / 2 }
      const inside = box.left >= 2 && box.right <= size.width - 2 && box.top >= 2 && box.bottom <= size.height - 2
      if (!inside || taken.some(other => meet(box, other))) continue
      taken.push(box)
      labels.push({ point, text, x, y: place.y })
      break
    }
  }
  return labels
}

/** Labels that a map has room for: at most 14, and more of those further in when it is zoomed. */
export function labelsFor({ width, height }: Size, zoom: number): number {
  const room = Math.floor((width * height) / 20_000)
  return Math.min(room, Math.round(14 * Math.min(2, Math.max(1, zoom) ** 0.5)))
}

export function shortened(text: string, longest = LONGEST): string {
  const letters = [...text]
  return letters.length <= longest
    ? text
    : `${letters
        .slice(0, longest - 1)
        .join('')
        .trimEnd()}…`
}

export interface Box {
  left: number
  right: number
  top: number
  bottom: number
}

const meet = (a: Box, b: Box): boolean =>
  a.left < b.right + SPACE && b.left < a.right + SPACE && a.top < b.bottom + SPACE && b.top < a.bottom + SPACE
