import { growth, type Placing, type Point, type Size } from './geometry.ts'
import { type Box, type Label, labelsFor, placeLabels } from './labels.ts'
import { resize, type Scene } from './painter.ts'

/** What stands on top of the points: names, the chosen one with lines to its neighbours, the one pointed at. */
export interface Marks {
  titles: readonly string[]
  chosen: number | undefined
  near: readonly number[]
  /** Under the pointer or the keyboard's cursor. */
  pointed: number | undefined
}

interface Place {
  placing: Placing
  zoom: number
  size: Size
  density: number
  /** Where the buttons stand. */
  blocked: Box | undefined
}

export interface MarkStyle {
  ink: string
  surface: string
  accent: string
  font: string
}

/** Points looked at for names: the most popular in sight. */
const CANDIDATES = 400

export function drawMarks(
  canvas: HTMLCanvasElement,
  scene: Scene,
  { titles, chosen, near, pointed }: Marks,
  { placing, zoom, size, density, blocked }: Place,
  style: MarkStyle,
): void {
  resize(canvas, { size, density })
  const context = canvas.getContext('2d')!
  context.setTransform(density, 0, 0, density, 0, 0)
  context.font = `12px ${style.font}`
  context.textBaseline = 'middle'
  context.lineJoin = 'round'
  const grown = growth(zoom)
  const placeOf = (point: number): Point => ({
    x: placing.left + placing.scale * scene.x[point]!,
    y: placing.top - placing.scale * scene.y[point]!,
  })
  const seen = (point: number): Point | undefined => {
    const place = placeOf(point)
    return place.x >= 0 && place.x <= size.width && place.y >= 0 && place.y <= size.height ? place : undefined
  }
  const radiusOf = (point: number) => scene.radius[point]! * grown

  if (chosen !== undefined) {
    context.strokeStyle = style.ink
    context.globalAlpha = 0.55
    context.lineWidth = 1
    const from = placeOf(chosen)
    for (const point of near) {
      const to = placeOf(point)
      context.beginPath()
      context.moveTo(from.x, from.y)
      context.lineTo(to.x, to.y)
      context.stroke()
    }
    context.globalAlpha = 1
    for (const point of near) ring(context, placeOf(point), radiusOf(point) + 1.5, style.ink, 1.5, style.surface)
    ring(context, from, radiusOf(chosen) + 3, style.accent, 3, style.surface)
  }
  if (pointed !== undefined && pointed !== chosen) {
    ring(context, placeOf(pointed), radiusOf(pointed) + 2, style.ink, 2, style.surface)
  }

  const labels = placeLabels({
    points: labelled(scene, chosen, near, point => seen(point) !== undefined),
    placeOf: seen,
    radiusOf: point => radiusOf(point) + (point === chosen ? 3 : 0),
    textOf: point => titles[point]!,
    widthOf: text => widthOf(context, text),
    size,
    blocked,
    most: chosen === undefined ? labelsFor(size, zoom) : 1 + near.length,
  })
  for (const label of labels) drawLabel(context, label, style, label.point === chosen)
}

/** The chosen point and its neighbours; without one, those drawn last, which are the most popular. */
function* labelled(
  { order, category, emphasis }: Scene,
  chosen: number | undefined,
  near: readonly number[],
  inSight: (point: number) => boolean,
): Generator<number> {
  if (chosen !== undefined) {
    yield chosen
    yield* near
    return
  }
  let left = CANDIDATES
  for (let at = order.length - 1; at >= 0 && left > 0; at--) {
    const point = order[at]!
    if (emphasis !== undefined && category[point] !== emphasis) return
    if (!inSight(point)) continue
    left--
    yield point
  }
}

const widths = new Map<string, number>()

function widthOf(context: CanvasRenderingContext2D, text: string): number {
  const known = widths.get(text)
  if (known !== undefined) return known
  if (widths.size > 5000) widths.clear()
  const { width } = context.measureText(text)
  widths.set(text, width)
  return width
}

function ring(
  context: CanvasRenderingContext2D,
  { x, y }: Point,
  radius: number,
  colour: string,
  width: number,
  halo: string,
): void {
  for (const [stroke, lineWidth] of [
    [halo, width + 2],
    [colour, width],
  ] as const) {
    context.beginPath()
    context.arc(x, y, radius, 0, 2 * Math.PI)
    context.strokeStyle = stroke
    context.lineWidth = lineWidth
    context.stroke()
  }
}

function drawLabel(
  context: CanvasRenderingContext2D,
  { text, x, y }: Label,
  { ink, surface }: MarkStyle,
  strong: boolean,
): void {
  context.strokeStyle = surface
  context.lineWidth = 4
  context.globalAlpha = strong ? 1 : 0.85
  context.strokeText(text, x, y)
  context.globalAlpha = 1
  context.fillStyle = ink
  context.fillText(text, x, y)
}
