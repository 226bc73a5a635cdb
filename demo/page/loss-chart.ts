import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { epochRange, spreadLabels, tickLabels, valueRange } from './chart-ranges.ts'
import { isTraining, type TrainingView } from './state.ts'
import { dashes, yardstickLabels } from './yardstick-lines.ts'

/** Names of the tokens whose colours the chart takes; it is drawn on a canvas, which no style sheet reaches. */
const tokens = {
  train: '--series-train',
  heldOut: '--series-held-out',
  yard: '--yard',
  floor: '--floor',
  ink: '--ink',
  muted: '--muted',
  line: '--line',
  surface: '--surface',
} as const

const LABEL_SIZE = 15

/** Below this width names stand in the legend alone. */
const LABELS_FROM = 420

/** The curves of a training by epoch, with its yardsticks. */
export class LossChart {
  readonly #root: HTMLElement
  readonly #plot: uPlot
  #view: TrainingView
  #colours = readColours()

  /** @param onPoint told the index of the epoch under the pointer, undefined where there is none */
  constructor(root: HTMLElement, view: TrainingView, onPoint: (index: number | undefined) => void) {
    this.#root = root
    this.#view = view
    this.#plot = new uPlot(this.#options(onPoint), columns(view), root)
    new ResizeObserver(() => this.#fit()).observe(root)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#colours = readColours()
      this.#plot.redraw(false)
    })
    // A browser may drop the pixels of a canvas in a hidden tab.
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#plot.redraw(false)
    })
  }

  update(view: TrainingView): void {
    this.#view = view
    this.#plot.setData(columns(view))
  }

  #fit(): void {
    const { width, height } = sizeIn(this.#root)
    if (width !== this.#plot.width) this.#plot.setSize({ width, height })
  }

  #options(onPoint: (index: number | undefined) => void): uPlot.Options {
    const axis = {
      stroke: () => this.#colours.muted,
      font: `12px ${getComputedStyle(this.#root).fontFamily}`,
      grid: { stroke: () => this.#colours.line, width: 1 },
      ticks: { show: false },
    }
    return {
      ...sizeIn(this.#root),
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false } },
      padding: [8, 8, 0, 0],
      scales: { x: { time: false, range: () => this.#epochs() }, y: { range: () => this.#values() } },
      axes: [
        {
          ...axis,
          size: 28,
          incrs: [1, 2, 5].flatMap(step => [1, 10, 100, 1000].map(ten => step * ten)).sort(ascending),
        },
        { ...axis, size: 56, values: (_, splits) => tickLabels(splits) },
      ],
      series: [
        {},
        {
          stroke: () => this.#colours.train,
          width: 1.5,
          points: { size: 4, show: () => this.#view.points.length === 1 },
        },
        { stroke: () => this.#colours.heldOut, width: 2.5, points: { size: 6, fill: () => this.#colours.heldOut } },
      ],
      hooks: {
        drawAxes: [() => this.#drawYardsticks()],
        draw: [() => this.#drawLabels()],
        setCursor: [({ cursor }) => onPoint(cursor.idx ?? undefined)],
      },
    }
  }

  #epochs(): [number, number] {
    const { points, settings } = this.#view
    return epochRange(points.at(-1)?.epoch ?? 1, settings.epochs, isTraining(this.#view))
  }

  #values(): [number, number] {
    const curves = columns(this.#view).slice(1) as number[][]
    return valueRange(
      curves.map(curve => curve.filter(value => value !== null)),
      this.#view.yardsticks.map(({ value }) => value),
    )
  }

  #drawYardsticks(): void {
    const { ctx, bbox } = this.#plot
    ctx.save()
    for (const { kind, value } of this.#view.yardsticks) {
      const y = Math.round(this.#plot.valToPos(value, 'y', true))
      ctx.beginPath()
      ctx.strokeStyle = kind === 'floor' ? this.#colours.floor : this.#colours.yard
      ctx.lineWidth = 1.5 * devicePixelRatio
      ctx.setLineDash(dashes[kind].map(length => length * devicePixelRatio))
      ctx.moveTo(bbox.left, y)
      ctx.lineTo(bbox.left + bbox.width, y)
      ctx.stroke()
    }
    ctx.restore()
  }

  /** Names at the end of the lines where the curve is far: errors start high and fall, rank measures start low and rise. */
  #drawLabels(): void {
    const { ctx, bbox, width } = this.#plot
    if (width < LABELS_FROM) return
    const size = LABEL_SIZE * devicePixelRatio
    const { yardsticks } = this.#view
    const wanted = yardsticks.map(({ kind, value }) => {
      const y = this.#plot.valToPos(value, 'y', true)
      return kind === 'floor' ? y + 2 * devicePixelRatio : y - size - devicePixelRatio
    })
    const tops = spreadLabels(wanted, size, bbox.top, bbox.top + bbox.height)
    ctx.save()
    ctx.font = `${12 * devicePixelRatio}px ${getComputedStyle(this.#root).fontFamily}`
    ctx.textBaseline = 'top'
    ctx.lineJoin = 'round'
    ctx.lineWidth = 4 * devicePixelRatio
    ctx.strokeStyle = this.#colours.surface
    yardsticks.forEach(({ kind }, index) => {
      const left = kind === 'floor' || kind === 'popular'
      const margin = 4 * devicePixelRatio
      const x = left ? bbox.left + margin : bbox.left + bbox.width - margin
      const place = [x, tops[index]! + devicePixelRatio] as const
      ctx.textAlign = left ? 'left' : 'right'
      ctx.strokeText(yardstickLabels[kind], ...place)
      ctx.fillStyle = kind === 'floor' ? this.#colours.floor : this.#colours.yard
      ctx.fillText(yardstickLabels[kind], ...place)
    })
    ctx.restore()
  }
}

const ascending = (a: number, b: number) => a - b

/** Epochs, training errors and the measure on what is held out; an implicit model's loss is no such measure. */
function columns({ points, measure }: TrainingView): uPlot.AlignedData {
  return [
    points.map(({ epoch }) => epoch),
    points.map(({ train }) => (measure === 'RMSE' ? train : null)),
    points.map(({ heldOut }) => heldOut),
  ]
}

function sizeIn(root: HTMLElement): { width: number; height: number } {
  const width = Math.max(200, root.clientWidth)
  return { width, height: Math.round(Math.min(340, Math.max(220, 0.45 * width))) }
}

function readColours(): Record<keyof typeof tokens, string> {
  const style = getComputedStyle(document.documentElement)
  const read = Object.entries(tokens).map(([name, token]) => [name, style.getPropertyValue(token).trim()])
  return Object.fromEntries(read) as Record<keyof typeof tokens, string>
}
