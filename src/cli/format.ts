import Table from 'cli-table3'

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const three = new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3, notation: 'compact' })

/** 1,234,567 */
export function count(value: number): string {
  return whole.format(value)
}

/** `1 user`, `2,000 users` */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${value === 1 ? noun : pluralOf(noun)}`
}

function pluralOf(noun: string): string {
  if (noun.endsWith('y')) return `${noun.slice(0, -1)}ies`
  return /(ss|tch)$/.test(noun) ? `${noun}es` : `${noun}s`
}

/** 1.23M */
export function rate(value: number): string {
  return Number.isFinite(value) ? three.format(value) : '-'
}

/** Four decimals, or three digits where that would show nothing. */
export function score(value: number): string {
  if (!Number.isFinite(value)) return '-'
  return value !== 0 && Math.abs(value) < 0.001 ? value.toPrecision(3) : value.toFixed(4)
}

export function seconds(value: number): string {
  return value < 9.95 ? `${value.toFixed(2)} s` : `${value.toFixed(1)} s`
}

export function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB']
  let unit = 0
  let amount = value
  while (amount >= 1024 && unit + 1 < units.length) {
    amount /= 1024
    unit++
  }
  return unit === 0 ? counted(value, 'byte') : `${amount.toFixed(1)} ${units[unit]}`
}

/** 0.123% */
export function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))}%`
}

/** An f32 as text: seven digits, as many as it holds. */
export function single(value: number): string {
  return String(Number(value.toPrecision(7)))
}

/** A field of a csv row, in quotes where it needs them (RFC 4180). */
export function csvField(value: string | number): string {
  const text = String(value)
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A table without colours; all columns but the first are aligned to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const grid = new Table({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? 'left' : 'right')),
    style: { head: [], border: [], compact: true },
  })
  grid.push(...rows.map(row => [...row]))
  return grid.toString()
}

/** Names and values in two columns. */
export function facts(rows: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length))
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
