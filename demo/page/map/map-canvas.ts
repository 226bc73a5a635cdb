import type { ItemMap } from '../../engine/messages.ts'
import type { Categories } from './categories.ts'
import { fitted, growth, type Placing, type Point, radii, type Size, shifted } from './geometry.ts'
import type { Box } from './labels.ts'
import { MapZoom } from './map-zoom.ts'
import { drawMarks, type MarkStyle } from './marks.ts'
import { PointIndex } from './nearest.ts'
import { type Direction, neighbourInDirection } from './neighbour.ts'
import { drawingOrder, Painter, type Pose, type Scene } from './painter.ts'

/** A point that the pointer or the keyboard is at. */
export interface Pointed {
  point: number
  /** In pixels of the map, and the radius of the point. */
  place: Point
  radius: number
  by: 'pointer' | 'keyboard'
}

export interface MapEvents {
  onPoint(pointed: Pointed | undefined): void
  /** Undefined where no point was meant. */
  onChoose(point: number | undefined): void
  /** All points are drawn. */
  onDrawn(): void
}

/** Pixels from its centre at which a point is still meant. */
const REACH = { mouse: 14, touch: 24 }
/** A chosen point nearer to the edge than this is moved to the middle. */
const EDGE = 24

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
}

interface MapParts {
  frame: HTMLElement
  /** The canvas of the points. */
  points: HTMLCanvasElement
  /** The canvas above it, which has the focus and the events. */
  marks: HTMLCanvasElement
  /** Buttons that stand on the map. */
  controls: HTMLElement
}

/** The drawn map: two canvases, one of points and one of what stands above them, with zoom, pointer and keyboard. */
export class MapCanvas {
  readonly #parts: MapParts
  readonly #events: MapEvents
  readonly #painter: Painter
  readonly #zoom: MapZoom
  #map: ItemMap | undefined
  #categories: Categories | undefined
  #emphasis: number | undefined
  #scene: Scene | undefined
  #index: PointIndex | undefined
  #size: Size = { width: 0, height: 0 }
  #blocked: Box | undefined
  #base: Placing = { scale: 1, left: 0, top: 0 }
  #chosen: number | undefined
  #near: readonly number[] = []
  #pointed: { point: number; by: Pointed['by'] } | undefined
  #frameRequest: number | undefined
  /** Layers to be drawn in the next frame. */
  readonly #stale = new Set<'points' | 'marks'>()

  constructor(parts: MapParts, events: MapEvents) {
    this.#parts = parts
    this.#events = events
    this.#painter = new Painter(parts.points, () => events.onDrawn())
    this.#zoom = new MapZoom(parts.marks, byHand => {
      if (byHand && this.#pointed?.by === 'pointer') this.#pointed = undefined
      this.#tell()
      this.#redraw(true)
    })
    this.#listen(parts.marks)
    new ResizeObserver(() => this.#fit()).observe(parts.frame)
    addEventListener('resize', () => this.#redraw(true))
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#compose())
    // A browser may drop the pixels of a canvas in a hidden tab.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#redraw(true)
    })
    for (const canvas of [parts.points, parts.marks])
      canvas.addEventListener('contextrestored', () => this.#redraw(true))
  }

  /** Shows a map; with another one the zoom and what is pointed at are gone. */
  show(map: ItemMap, categories: Categories, emphasis: number | undefined): void {
    if (map !== this.#map) {
      this.#index?.stop()
      this.#index = new PointIndex(map.x, map.y, run => {
        const frame = requestAnimationFrame(run)
        return () => cancelAnimationFrame(frame)
      })
      this.#map = map
      this.#chosen = undefined
      this.#near = []
      this.#point(undefined)
      this.#zoom.reset()
      this.#fit()
    }
    this.#categories = categories
    this.#emphasis = emphasis
    this.#compose()
  }

  /** Marks a point and those most like it, and moves the map where the point is out of sight. */
  choose(point: number | undefined, near: readonly number[]): void {
    if (point !== undefined && point !== this.#chosen) this.#reveal(point)
    this.#chosen = point
    this.#near = near
    this.#redraw()
  }

  /** Zooms around the point that the keyboard is at, or the middle. */
  zoomBy(steps: number): void {
    this.#zoom.by(steps, this.#pointed?.by === 'keyboard' ? this.#placeOf(this.#pointed.point) : undefined)
  }

  zoomOut(): void {
    this.#zoom.reset()
  }

  #listen(marks: HTMLCanvasElement): void {
    marks.addEventListener('pointermove', event => {
      if (event.pointerType === 'mouse' && event.buttons === 0) this.#pointAt(this.#found(event, REACH.mouse))
    })
    marks.addEventListener('pointerleave', () => {
      if (this.#pointed?.by === 'pointer') this.#point(undefined)
    })
    marks.addEventListener('click', event => {
      const touch = (event as PointerEvent).pointerType === 'touch'
      const point = this.#found(event, touch ? REACH.touch : REACH.mouse)
      marks.focus({ preventScroll: true })
      this.#events.onChoose(point)
    })
    marks.addEventListener('keydown', event => this.#onKey(event))
    marks.addEventListener('focus', () => {
      if (marks.matches(':focus-visible') && this.#pointed === undefined) this.#pointAt(this.#start(), 'keyboard')
    })
    marks.addEventListener('blur', () => {
      if (this.#pointed?.by === 'keyboard') this.#point(undefined)
    })
  }

  #onKey(event: KeyboardEvent): void {
    if (this.#map === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    const direction = ARROWS[event.key]
    if (direction !== undefined) this.#walk(direction)
    else if (event.key === 'Enter' || event.key === ' ') this.#events.onChoose(this.#pointed?.point ?? this.#start())
    else if (event.key === 'Escape') this.#events.onChoose(undefined)
    else if (event.key === '+' || event.key === '=') this.zoomBy(1)
    else if (event.key === '-') this.zoomBy(-1)
    else if (event.key === '0') this.zoomOut()
    else return
    event.preventDefault()
  }

  #walk(direction: Direction): void {
    const from = this.#pointed?.point
    const to =
      from === undefined
        ? this.#start()
        : neighbourInDirection(this.#map!, from, direction, point => this.#allowed(point))
    if (to === undefined) return
    this.#reveal(to)
    this.#pointAt(to, 'keyboard')
  }

  /** Where the keyboard begins: at the chosen point, or the most popular one. */
  #start(): number | undefined {
    return this.#chosen ?? this.#scene?.order.at(-1)
  }

  #allowed(point: number): boolean {
    return this.#emphasis === undefined || this.#categories?.of[point] === this.#emphasis
  }

  #found(event: MouseEvent, reach: number): number | undefined {
    const { left, top } = this.#parts.marks.getBoundingClientRect()
    const placing = this.#placing()
    const at = {
      x: (event.clientX - left - placing.left) / placing.scale,
      y: (placing.top - (event.clientY - top)) / placing.scale,
    }
    return this.#index?.find(at, reach / placing.scale, point => this.#allowed(point))
  }

  #pointAt(point: number | undefined, by: Pointed['by'] = 'pointer'): void {
    if (point === this.#pointed?.point && by === this.#pointed?.by) return
    this.#point(point === undefined ? undefined : { point, by })
  }

  #point(pointed: { point: number; by: Pointed['by'] } | undefined): void {
    this.#pointed = pointed
    this.#tell()
    this.#redraw()
  }

  #tell(): void {
    const pointed = this.#pointed
    if (pointed === undefined) {
      this.#events.onPoint(undefined)
      return
    }
    const { point, by } = pointed
    this.#events.onPoint({ point, place: this.#placeOf(point), radius: this.#radiusOf(point), by })
  }

  #placing(): Placing {
    return shifted(this.#base, this.#zoom.shift)
  }

  #placeOf(point: number, { scale, left, top } = this.#placing()): Point {
    return { x: left + scale * this.#map!.x[point]!, y: top - scale * this.#map!.y[point]! }
  }

  #radiusOf(point: number): number {
    return (this.#scene?.radius[point] ?? 0) * growth(this.#zoom.shift.k)
  }

  #reveal(point: number): void {
    const { x, y } = this.#placeOf(point)
    const { width, height } = this.#size
    if (x >= EDGE && x <= width - EDGE && y >= EDGE && y <= height - EDGE) return
    this.#zoom.centre(this.#placeOf(point, this.#base))
  }

  /** Takes the size of the frame. */
  #fit(): void {
    const { frame, controls } = this.#parts
    const { clientWidth: width, clientHeight: height } = frame
    if (this.#map === undefined || width === 0 || height === 0) return
    this.#size = { width, height }
    this.#base = fitted(this.#map.x, this.#map.y, this.#size)
    const { offsetLeft: left, offsetTop: top } = controls
    this.#blocked = { left, top, right: left + controls.offsetWidth, bottom: top + controls.offsetHeight }
    this.#zoom.fit(this.#size)
    this.#compose()
  }

  /** Takes the colours anew. */
  #compose(): void {
    const [map, categories] = [this.#map, this.#categories]
    if (map === undefined || categories === undefined) return
    const style = getComputedStyle(this.#parts.frame)
    this.#scene = {
      x: map.x,
      y: map.y,
      radius: radii(map.count, this.#size),
      category: categories.of,
      colours: categories.list.map(({ token }) => style.getPropertyValue(token).trim()),
      emphasis: this.#emphasis,
      outline: style.getPropertyValue('--surface').trim(),
      order: drawingOrder(categories.of, this.#emphasis),
    }
    this.#redraw(true)
  }

  #redraw(points = false): void {
    this.#stale.add('marks')
    if (points) this.#stale.add('points')
    this.#frameRequest ??= requestAnimationFrame(() => {
      this.#frameRequest = undefined
      this.#draw()
    })
  }

  #draw(): void {
    const [map, scene] = [this.#map, this.#scene]
    if (map === undefined || scene === undefined || this.#size.width === 0) return
    const { k } = this.#zoom.shift
    const placing = this.#placing()
    const pose: Pose = { placing, growth: growth(k), size: this.#size, density: Math.min(3, devicePixelRatio) }
    if (this.#stale.has('points')) this.#painter.paint(scene, pose)
    this.#stale.clear()
    drawMarks(
      this.#parts.marks,
      scene,
      { titles: map.titles, chosen: this.#chosen, near: this.#near, pointed: this.#pointed?.point },
      { ...pose, zoom: k, blocked: this.#blocked },
      this.#markStyle(),
    )
  }

  #markStyle(): MarkStyle {
    const style = getComputedStyle(this.#parts.frame)
    const token = (name: string) => style.getPropertyValue(name).trim()
    return { ink: token('--ink'), surface: token('--surface'), accent: token('--accent'), font: style.fontFamily }
  }
}
