import type { Placing, Size } from './geometry.ts'

/** Points as they are to be drawn. */
export interface Scene {
  x: Float32Array
  y: Float32Array
  /** In pixels. */
  radius: Float32Array
  /** Index into `colours` of each point. */
  category: Uint8Array
  colours: readonly string[]
  /** Points of other categories recede. */
  emphasis: number | undefined
  /** Colour of a thin line around points, which tells apart those that overlap. */
  outline: string
  /** Points in the order in which they are drawn. */
  order: Uint32Array
}

/** Where a scene is drawn. */
export interface Pose {
  placing: Placing
  /** Factor of the radii. */
  growth: number
  size: Size
  /** Pixels of the screen in a CSS pixel. */
  density: number
}

/** Points in one batch: within it, colours are drawn one after another. */
const BATCH = 250
/** Milliseconds of a frame that may go into points. */
const BUDGET = 7
/** Up to this many points have outlines. */
const OUTLINED = 4000

/**
 * Draws the points of a map, however many, without holding up the page: a slice in each frame of the screen, on a canvas
 * out of sight, which is shown when it is whole. Until then the last picture stands in, moved and scaled to the new place.
 */
export class Painter {
  readonly #canvas: HTMLCanvasElement
  readonly #hidden = document.createElement('canvas')
  readonly #whole = document.createElement('canvas')
  readonly #onWhole: () => void
  #wanted: { scene: Scene; pose: Pose } | undefined
  #painting: { scene: Scene; pose: Pose; next: number } | undefined
  /** What `#whole` shows. */
  #shown: { scene: Scene; pose: Pose } | undefined
  #frame: number | undefined

  /** @param onWhole called when all points are drawn as wanted */
  constructor(canvas: HTMLCanvasElement, onWhole: () => void) {
    this.#canvas = canvas
    this.#onWhole = onWhole
  }

  paint(scene: Scene, pose: Pose): void {
    this.#wanted = { scene, pose }
    this.#frame ??= requestAnimationFrame(() => this.#step())
  }

  #step(): void {
    this.#frame = undefined
    const wanted = this.#wanted
    if (wanted === undefined) return
    // A picture of other points or other colours is not worth finishing; one from another place is, or none ever were.
    if (this.#painting?.scene !== wanted.scene) this.#begin(wanted)
    const painting = this.#painting!
    const until = performance.now() + BUDGET
    const total = painting.scene.order.length
    const context = this.#hidden.getContext('2d')!
    while (painting.next < total && (painting.next === 0 || performance.now() < until)) {
      drawBatch(context, painting, painting.next, Math.min(total, painting.next + BATCH))
      painting.next += BATCH
    }
    let whole = false
    if (painting.next >= total) {
      resize(this.#whole, painting.pose)
      this.#whole.getContext('2d')!.drawImage(this.#hidden, 0, 0)
      this.#shown = painting
      whole = painting.pose === wanted.pose
      if (!whole) this.#begin(wanted)
    }
    this.#show(wanted.pose)
    if (whole) {
      this.#wanted = undefined
      this.#painting = undefined
      this.#onWhole()
    } else this.#frame = requestAnimationFrame(() => this.#step())
  }

  #begin({ scene, pose }: { scene: Scene; pose: Pose }): void {
    this.#painting = { scene, pose, next: 0 }
    resize(this.#hidden, pose)
    const { density } = pose
    this.#hidden.getContext('2d')!.setTransform(density, 0, 0, density, 0, 0)
  }

  /** Copies the last whole picture to the canvas, from its place to the one wanted. */
  #show(pose: Pose): void {
    resize(this.#canvas, pose)
    if (this.#shown === undefined) return
    const from = this.#shown.pose
    const context = this.#canvas.getContext('2d')!
    const zoom = pose.placing.scale / from.placing.scale
    const scale = (zoom * pose.density) / from.density
    const left = pose.density * (pose.placing.left - zoom * from.placing.left)
    const top = pose.density * (pose.placing.top - zoom * from.placing.top)
    context.setTransform(scale, 0, 0, scale, left, top)
    context.drawImage(this.#whole, 0, 0)
    context.setTransform(1, 0, 0, 1, 0, 0)
  }
}

/** Sets the size of a canvas, which also clears it. */
export function resize(canvas: HTMLCanvasElement, { size, density }: Pick<Pose, 'size' | 'density'>): void {
  const width = Math.max(1, Math.round(size.width * density))
  const height = Math.max(1, Math.round(size.height * density))
  if (canvas.width === width && canvas.height === height) {
    const context = canvas.getContext('2d')!
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, width, height)
  } else Object.assign(canvas, { width, height })
}

function drawBatch(
  context: CanvasRenderingContext2D,
  { scene, pose }: { scene: Scene; pose: Pose },
  begin: number,
  end: number,
): void {
  const { x, y, radius, category, colours, emphasis, order } = scene
  const { placing, growth, size } = pose
  const paths: (Path2D | undefined)[] = []
  for (let at = begin; at < end; at++) {
    const point = order[at]!
    const r = radius[point]! * growth
    const px = placing.left + placing.scale * x[point]!
    const py = placing.top - placing.scale * y[point]!
    if (!(px > -r && px < size.width + r && py > -r && py < size.height + r)) continue
    const path = paths[category[point]!] ?? new Path2D()
    paths[category[point]!] = path
    path.moveTo(px + r, py)
    path.arc(px, py, r, 0, 2 * Math.PI)
  }
  context.strokeStyle = scene.outline
  context.lineWidth = 0.75
  for (const [of, path] of paths.entries()) {
    if (path === undefined) continue
    const recedes = emphasis !== undefined && of !== emphasis
    context.globalAlpha = recedes ? 0.12 : 0.8
    context.fillStyle = colours[of]!
    context.fill(path)
    if (!recedes && order.length <= OUTLINED) context.stroke(path)
  }
}

/** The order in which points are drawn: as they come, those of the emphasis last. */
export function drawingOrder(category: Uint8Array, emphasis: number | undefined): Uint32Array {
  const order = Uint32Array.from(category.keys())
  if (emphasis === undefined) return order
  const front = order.filter(point => category[point] === emphasis)
  const back = order.filter(point => category[point] !== emphasis)
  const all = new Uint32Array(order.length)
  all.set(back)
  all.set(front, back.length)
  return all
}
