/**
 * The table and the plot of what `bench/growth.mjs` measured: `node bench/growth-plot.mjs growth.json --out docs/growth.svg`
 * prints Markdown and writes the picture.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'

/**
 * @typedef {{ rows: number, factors: number, entries: number, epochSeconds: number, peakRssBytes: number,
 *   reading: { readSeconds: number, openSeconds: number }, seconds: { pack: number } }} Row
 */

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: 'docs/growth.svg' } },
  allowPositionals: true,
})
const { results, atRows, atFactors } = JSON.parse(await readFile(/** @type {string} */ (positionals[0]), 'utf8'))
const byEntries = results.filter((/** @type {Row} */ row) => row.factors === atFactors)
const byFactors = results.filter((/** @type {Row} */ row) => row.rows === atRows)
await writeFile(values.out, picture())
for (const rows of [byEntries, byFactors]) console.log(`${table(rows)}\n`)

/** @param {Row[]} rows */
function table(rows) {
  const head = [
    'entries (M)',
    'k',
    'read Parquet (s)',
    'open packed (s)',
    'cut, upload (s)',
    'an epoch (s)',
    'M updates/s',
    'peak memory (MB)',
  ]
  const body = rows.map(({ rows: count, factors, entries, reading, seconds, epochSeconds, peakRssBytes }) => [
    (count / 1e6).toFixed(0),
    factors,
    reading.readSeconds.toFixed(2),
    reading.openSeconds.toFixed(2),
    seconds.pack.toFixed(2),
    epochSeconds.toFixed(2),
    (entries / epochSeconds / 1e6).toFixed(1),
    Math.round(peakRssBytes / 1e6).toLocaleString('en'),
  ])
  return [head, head.map(() => '--:'), ...body].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** Four panels: seconds and memory, by entries and by factors; both axes are logarithmic, so a straight line at 45 degrees is linear growth. */
function picture() {
  const { document } = parseHTML('<!doctype html><body></body>')
  const width = 420
  const height = 280
  const times = [
    ['read Parquet', (/** @type {Row} */ row) => row.reading.readSeconds],
    ['cut, upload', (/** @type {Row} */ row) => row.seconds.pack],
    ['an epoch', (/** @type {Row} */ row) => row.epochSeconds],
  ]
  const memory = [['peak memory', (/** @type {Row} */ row) => row.peakRssBytes / 1e6]]
  const panels = [
    { rows: byEntries, x: entriesAxis(), y: 'seconds', lines: times },
    { rows: byEntries, x: entriesAxis(), y: 'MB', lines: memory },
    { rows: byFactors, x: factorsAxis(), y: 'seconds', lines: times.slice(1) },
    { rows: byFactors, x: factorsAxis(), y: 'MB', lines: memory },
  ]
  const drawn = panels.map(({ rows, x, y, lines }, at) => {
    const points = lines.flatMap(([name, of]) =>
      rows.map((/** @type {Row} */ row) => ({
        name,
        x: x.of(row),
        y: /** @type {(row: Row) => number} */ (of)(row),
      })),
    )
    const last = points.filter((_, index) => (index + 1) % rows.length === 0)
    const svg = Plot.plot({
      document,
      width,
      height,
      marginLeft: 50,
      marginRight: 90,
      x: { type: 'log', label: x.label, ticks: x.ticks, tickFormat: x.format },
      y: { type: 'log', label: y, grid: true, nice: true, tickFormat: ',' },
      color: { domain: ['read Parquet', 'cut, upload', 'an epoch', 'peak memory'], scheme: 'Dark2' },
      marks: [
        Plot.line(points, { x: 'x', y: 'y', stroke: 'name' }),
        Plot.dot(points, { x: 'x', y: 'y', fill: 'name' }),
        ...last.map(point =>
          Plot.text([point], {
            x: 'x',
            y: 'y',
            text: 'name',
            fill: 'name',
            textAnchor: 'start',
            dx: 7,
            // Curves of like names end close to one another.
            dy: point.name === 'an epoch' ? 8 : 0,
          }),
        ),
      ],
    })
    svg.setAttribute('x', String(width * (at % 2)))
    svg.setAttribute('y', String(height * Math.floor(at / 2)))
    return svg.outerHTML
  })
  const size = `width="${2 * width}" height="${2 * height}" viewBox="0 0 ${2 * width} ${2 * height}"`
  const title = '<title>Seconds and memory of a training, by entries and by factors</title>'
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img">${title}<rect width="100%" height="100%" fill="white"/>${drawn.join('\n')}</svg>\n`
  return svg.replaceAll('currentColor', '#333')
}

function entriesAxis() {
  return {
    of: (/** @type {Row} */ { rows }) => rows / 1e6,
    label: `million entries, k = ${atFactors}`,
    ticks: [...new Set(byEntries.map((/** @type {Row} */ { rows }) => rows / 1e6))],
    format: ',',
  }
}

function factorsAxis() {
  return {
    of: (/** @type {Row} */ { factors }) => factors,
    label: `factors k, ${atRows / 1e6} million entries`,
    ticks: byFactors.map((/** @type {Row} */ { factors }) => factors),
    format: 'd',
  }
}
