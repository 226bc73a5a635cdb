/** Numbers as the page writes them; the words are English, and so are the numbers. */

const integers = new Intl.NumberFormat('en')
const compactNumbers = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const longNumbers = new Intl.NumberFormat('en', {
  notation: 'compact',
  compactDisplay: 'long',
  maximumSignificantDigits: 4,
})

/** 1234567 as 1,234,567 */
export const whole = (value: number): string => integers.format(value)

/** 1234567 as 1.23M */
export const compact = (value: number): string => compactNumbers.format(value)

/** 1234567 as 1.235 million */
export const sizeInWords = (value: number): string => longNumbers.format(value)

/** 1 user, 2 users */
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${whole(value)} ${value === 1 ? one : many}`

const decimals = new Intl.NumberFormat('en', { maximumSignificantDigits: 4, useGrouping: false })

/** A rating, or another number of any size: 0.5, 3, -1.609 */
export const decimal = (value: number): string => decimals.format(value)

/** An error or another measure: four digits behind the point. */
export const measure = (value: number): string => value.toFixed(4)

export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)}%`

/** Bytes in units of 1024. */
export function bytes(value: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let size = value
  for (; size >= 1024 && unit < units.length - 1; unit++) size /= 1024
  return `${unit === 0 ? whole(size) : size.toPrecision(3)} ${units[unit]}`
}

/** A time to wait or that was taken: 340 ms, 4.2 s, 3 min 5 s, 2 h 10 min */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.round(1000 * seconds)} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const rounded = Math.round(seconds)
  if (rounded < 60) return `${rounded} s`
  if (rounded < 3600) return `${Math.floor(rounded / 60)} min ${rounded % 60} s`
  const minutes = Math.round(seconds / 60)
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
