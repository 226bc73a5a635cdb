import { select } from 'd3-selection'
import { type D3ZoomEvent, zoom, zoomIdentity, zoomTransform } from 'd3-zoom'
import type { ItemMap } from '../../engine/messages.ts'
import type { Categories } from './categories.ts'
import { fitted, growth, type Placing, type Point, radii, type Size, shifted } from './geometry.ts'
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

const MOST_ZOOM = 64
const ZOOM_STEP = 1.6
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

/** The drawn map: two canvases, one of points and one of what stands above them, with zoom, pointer and keyboard. */
export class MapCanvas {
  readonly #frame: HTMLElement
  /** The upper canvas: it has the focus and the events. */
  readonly #marks: HTMLCanvasElement
  readonly #painter: Painter
  readonly #events: MapEvents
  readonly #zoom = zoom<HTMLCanvasElement, unknown>()
  #map: ItemMap | undefined
  #categories: Categories | undefined
  #emphasis: number | undefined
  #scene: Scene | undefined
  #index: PointIndex | undefined
  #size: Size = { width: 0, height: 0 }
  #base: Placing = { scale: 1, left: 0, top: 0 }
  #chosen: number | undefined
  #near: readonly number[] = []
  #pointed: { point: number; by: Pointed['by'] } | undefined
  #frameRequest: number | undefined
  /** Layers to be drawn in the next frame. */
  readonly #stale = new Set<'points' | 'marks'>()

  constructor(frame: HTMLElement, points: HTMLCanvasElement, marks: HTMLCanvasElement, events: MapEvents) {
    this.#frame = frame
    this.#marks = marks
    this.#events = events
    this.#painter = new Painter(points, () => events.onDrawn())
    this.#listen()
    new ResizeObserver(() => this.#fit()).observe(frame)
    addEventListener('resize', () => this.#redraw(true))
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#compose())
    // A browser may drop the pixels of a canvas in a hidden tab.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#redraw(true)
    })
    for (const canvas of [points, marks]) canvas.addEventListener('contextrestored', () => this.#redraw(true))
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
      this.#fit(true)
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

  zoomBy(steps: number): void {
    this.#zoom.scaleBy(select(this.#marks), ZOOM_STEP ** steps)
  }

  zoomOut(): void {
    this.#zoom.transform(select(this.#marks), zoomIdentity)
  }

  #listen(): void {
    const marks = this.#marks
    const active = () => document.activeElement === marks
    this.#zoom
      .scaleExtent([1, MOST_ZOOM])
      .clickDistance(4)
      // Until the map has the focus the wheel and a single finger scroll the page.
      .filter((event: Event) => {
        if (event instanceof WheelEvent) return active() || event.ctrlKey
        if ('touches' in event) return (event as TouchEvent).touches.length > 1 || this.#movable()
        return event instanceof MouseEvent && event.button === 0 && !event.ctrlKey
      })
      .on('zoom', (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
        if (this.#pointed?.by === 'pointer' && event.sourceEvent !== null) this.#point(undefined)
        this.#touchAction()
        this.#tell()
        this.#redraw(true)
      })
    select(marks).call(this.#zoom).on('dblclick.zoom', null)
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
      this.#touchAction()
      if (marks.matches(':focus-visible') && this.#pointed === undefined) this.#pointAt(this.#start(), 'keyboard')
    })
    marks.addEventListener('blur', () => {
      this.#touchAction()
      if (this.#pointed?.by === 'keyboard') this.#point(undefined)
    })
    this.#touchAction()
  }

  /** Whether a single finger moves the map: it is zoomed, and was touched before. */
  #movable(): boolean {
    return document.activeElement === this.#marks && zoomTransform(this.#marks).k > 1
  }

  #touchAction(): void {
    this.#marks.style.touchAction = this.#movable() ? 'none' : 'pan-x pan-y'
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
    const { left, top } = this.#marks.getBoundingClientRect()
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
    return shifted(this.#base, zoomTransform(this.#marks))
  }

  #placeOf(point: number, { scale, left, top } = this.#placing()): Point {
    return { x: left + scale * this.#map!.x[point]!, y: top - scale * this.#map!.y[point]! }
  }

  #radiusOf(point: number): number {
    return (this.#scene?.radius[point] ?? 0) * growth(zoomTransform(this.#marks).k)
  }

  #reveal(point: number): void {
    const { x, y } = this.#placeOf(point)
    const { width, height } = this.#size
    if (x >= EDGE && x <= width - EDGE && y >= EDGE && y <= height - EDGE) return
    const base = this.#placeOf(point, this.#base)
    this.#zoom.translateTo(select(this.#marks), base.x, base.y)
  }

  /** Takes the size of the frame; the same part of the map stays in sight, or all of it where it is another map. */
  #fit(anew = false): void {
    const before = this.#size
    this.#size = { width: this.#frame.clientWidth, height: this.#frame.clientHeight }
    const { width, height } = this.#size
    if (this.#map === undefined || width === 0 || height === 0) return
    this.#base = fitted(this.#map.x, this.#map.y, this.#size)
    const extent: [[number, number], [number, number]] = [
      [0, 0],
      [width, height],
    ]
    this.#zoom.extent(extent).translateExtent(extent)
    const { k, x, y } = zoomTransform(this.#marks)
    const same = before.width > 0 && !anew
    const kept = zoomIdentity.translate((x * width) / before.width, (y * height) / before.height).scale(k)
    this.#zoom.transform(select(this.#marks), same ? kept : zoomIdentity)
  }

  /** Takes the colours anew. */
  #compose(): void {
    const [map, categories] = [this.#map, this.#categories]
    if (map === undefined || categories === undefined) return
    const style = getComputedStyle(this.#frame)
    this.#scene = {
      x: map.x,
      y: map.y,
      radius: radii(map.count),
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
    const { k } = zoomTransform(this.#marks)
    const placing = this.#placing()
    const pose: Pose = { placing, growth: growth(k), size: this.#size, density: Math.min(3, devicePixelRatio) }
    if (this.#stale.has('points')) this.#painter.paint(scene, pose)
    this.#stale.clear()
    drawMarks(
      this.#marks,
      scene,
      { titles: map.titles, chosen: this.#chosen, near: this.#near, pointed: this.#pointed?.point },
      { ...pose, zoom: k },
      this.#markStyle(),
    )
  }

  #markStyle(): MarkStyle {
    const style = getComputedStyle(this.#frame)
    const token = (name: string) => style.getPropertyValue(name).trim()
    return { ink: token('--ink'), surface: token('--surface'), accent: token('--accent'), font: style.fontFamily }
  }
}
