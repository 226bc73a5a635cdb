import { select } from 'd3-selection'
import { type D3ZoomEvent, zoom, zoomIdentity, zoomTransform } from 'd3-zoom'
import type { Point, Shift, Size } from './geometry.ts'

const MOST_ZOOM = 64
const STEP = 1.6

/** Zoom and shift of the map by wheel, drag, pinch and buttons. The page scrolls as ever until the map has the focus. */
export class MapZoom {
  readonly #canvas: HTMLCanvasElement
  readonly #zoom = zoom<HTMLCanvasElement, unknown>()
  #size: Size = { width: 0, height: 0 }

  /** @param onChange told whether the visitor's hand moved the map */
  constructor(canvas: HTMLCanvasElement, onChange: (byHand: boolean) => void) {
    this.#canvas = canvas
    this.#zoom
      .scaleExtent([1, MOST_ZOOM])
      .clickDistance(4)
      // A screen that can be touched may be plugged in later.
      .touchable(true)
      .filter((event: Event) => {
        if (event instanceof WheelEvent) return this.#active() || event.ctrlKey
        if ('touches' in event) return (event as TouchEvent).touches.length > 1 || this.#takesFinger()
        return event instanceof MouseEvent && event.button === 0 && !event.ctrlKey
      })
      .on('zoom', (event: D3ZoomEvent<HTMLCanvasElement, unknown>) => {
        this.#touchAction()
        onChange(event.sourceEvent instanceof Event)
      })
    select(canvas).call(this.#zoom).on('dblclick.zoom', null)
    for (const type of ['focus', 'blur']) canvas.addEventListener(type, () => this.#touchAction())
    this.#touchAction()
  }

  get shift(): Shift {
    return zoomTransform(this.#canvas)
  }

  /** @param around a point that stays where it is, in pixels; the middle where absent */
  by(steps: number, around?: Point): void {
    this.#zoom.scaleBy(select(this.#canvas), STEP ** steps, around && [around.x, around.y])
  }

  reset(): void {
    this.#zoom.transform(select(this.#canvas), zoomIdentity)
  }

  /** Moves a point to the middle, as far as the edges of the map allow; in pixels of the map as it is without zoom. */
  centre({ x, y }: Point): void {
    this.#zoom.translateTo(select(this.#canvas), x, y)
  }

  /** Takes another size: what was in the middle stays there. */
  fit(size: Size): void {
    const before = this.#size
    this.#size = size
    const extent: [[number, number], [number, number]] = [
      [0, 0],
      [size.width, size.height],
    ]
    this.#zoom.extent(extent).translateExtent(extent)
    if (before.width === 0 || before.height === 0) return
    const { k, x, y } = this.shift
    const kept = zoomIdentity.translate((x * size.width) / before.width, (y * size.height) / before.height).scale(k)
    this.#zoom.transform(select(this.#canvas), kept)
  }

  #active(): boolean {
    return document.activeElement === this.#canvas
  }

  /** Whether a single finger moves the map: it is zoomed, and was touched before. */
  #takesFinger(): boolean {
    return this.#active() && this.shift.k > 1
  }

  #touchAction(): void {
    this.#canvas.style.touchAction = this.#takesFinger() ? 'none' : 'pan-x pan-y'
  }
}
