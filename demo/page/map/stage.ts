import { effect, signal, untracked } from '@preact/signals-core'
import { html, render } from 'lit-html'
import type { ItemMap } from '../../engine/messages.ts'
import { counted, percent, whole } from '../format.ts'
import type { Point } from './geometry.ts'
import { MapCanvas, type Pointed } from './map-canvas.ts'
import {
  categories,
  choose,
  choosePoint,
  chosenPoint,
  colouring,
  emphasis,
  itemMap,
  nearestPoints,
} from './map-state.ts'

/** The item that the keyboard is at, in words, for screen readers. */
export const spoken = signal('')

/** The drawn map with its buttons and the words beside the pointer. Made once: canvases are no part of a template. */
export function createStage(): HTMLElement {
  const stage = document.createElement('div')
  stage.className = 'map-stage'
  render(parts(), stage)
  const part = <Kind extends HTMLElement>(name: string) => stage.querySelector<Kind>(`.${name}`)!
  const tip = part('map-tip')
  const marks = part<HTMLCanvasElement>('map-marks')
  const mapParts = {
    frame: stage,
    points: part<HTMLCanvasElement>('map-points'),
    marks,
    controls: part('map-buttons'),
  }
  const canvas = new MapCanvas(mapParts, {
    onPoint(pointed) {
      showTip(tip, stage, pointed)
      spoken.value = pointed?.by === 'keyboard' ? pointText(itemMap.value!, pointed.point) : ''
    },
    onChoose: point => (point === undefined ? choose(undefined) : choosePoint(point)),
    onDrawn() {
      stage.dataset.drawn = String(itemMap.value?.items.length ?? 0)
    },
  })
  part('map-in').addEventListener('click', () => canvas.zoomBy(1))
  part('map-out').addEventListener('click', () => canvas.zoomBy(-1))
  part('map-all').addEventListener('click', () => canvas.zoomOut())
  effect(() => {
    const [map, groups, standsOut] = [itemMap.value, categories.value, emphasis.value]
    if (map === undefined || groups === undefined) return
    delete stage.dataset.drawn
    untracked(() => canvas.show(map, groups, standsOut))
  })
  effect(() => {
    const [point, near] = [chosenPoint.value, nearestPoints.value]
    untracked(() => canvas.choose(point, near))
  })
  effect(() => {
    if (itemMap.value !== undefined) marks.ariaLabel = mapText(itemMap.value)
  })
  return stage
}

const parts = () => html`
  <canvas class="map-points" aria-hidden="true"></canvas>
  <canvas class="map-marks" tabindex="0" role="application" aria-describedby="map-keys"></canvas>
  <div class="map-tip" aria-hidden="true" hidden></div>
  <div class="map-buttons" role="group" aria-label="Zoom of the map">
    <button type="button" class="button icon map-in" aria-label="Zoom in" title="Zoom in">+</button>
    <button type="button" class="button icon map-out" aria-label="Zoom out" title="Zoom out">−</button>
    <button type="button" class="button icon map-all" aria-label="Show all of the map" title="Show all">⤢</button>
  </div>
`

/** What the map shows, for those who do not see it. */
function mapText(map: ItemMap): string {
  const groups = (categories.value?.list ?? []).map(({ name, points }) => `${name} ${whole(points)}`)
  const by = colouring.value === 'genre' ? 'genre' : 'number of ratings'
  return (
    `Map of ${counted(map.items.length, 'item')}${groups.length > 1 ? `, coloured by ${by}: ${groups.join(', ')}` : ''}. ` +
    `Its two directions hold ${percent(map.explained)} of the variance of the item factors.`
  )
}

function details(map: ItemMap, point: number): string {
  const genre = map.genres[map.genre[point]!]
  const count = map.count[point]!
  return [genre, count > 0 ? counted(count, 'rating') : undefined].filter(text => text !== undefined).join(', ')
}

function pointText(map: ItemMap, point: number): string {
  return [map.titles[point], details(map, point)].filter(text => text !== '').join(', ')
}

/** Shows title, genre and ratings beside a point, inside of the map. */
function showTip(tip: HTMLElement, stage: HTMLElement, pointed: Pointed | undefined): void {
  const map = itemMap.value
  const { clientWidth: width, clientHeight: height } = stage
  const inSight = (place: Point) => place.x >= 0 && place.x <= width && place.y >= 0 && place.y <= height
  tip.hidden = true
  if (pointed === undefined || map === undefined || !inSight(pointed.place)) return
  tip.hidden = false
  const { point, place, radius } = pointed
  render(html`<strong>${map.titles[point]}</strong><span>${details(map, point)}</span>`, tip)
  const away = radius + 8
  const beside = place.x + away + tip.offsetWidth <= width ? place.x + away : place.x - away - tip.offsetWidth
  const left = Math.max(4, Math.min(width - tip.offsetWidth - 4, beside))
  const top = Math.max(4, Math.min(height - tip.offsetHeight - 4, place.y - tip.offsetHeight / 2))
  tip.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`
}
