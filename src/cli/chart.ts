import asciichart from 'asciichart'

const width = 60

/** A line chart of values at equal distances, about 60 columns wide, with straight lines between the values. */
export function lineChart(values: readonly number[]): string {
  if (values.length < 2) return ''
  const columns = Array.from({ length: width }, (_, column) => {
    const place = (column * (values.length - 1)) / (width - 1)
    const left = Math.min(Math.floor(place), values.length - 2)
    return values[left]! + (place - left) * (values[left + 1]! - values[left]!)
  })
  return asciichart.plot(columns, { height: 8, format: value => value.toFixed(3).padStart(8) })
}
