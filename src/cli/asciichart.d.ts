declare module 'asciichart' {
  interface PlotOptions {
    /** Lines of the chart. */
    height?: number
    /** Text of a label on the axis. */
    format?: (value: number) => string
  }

  const asciichart: { plot(series: readonly number[], options?: PlotOptions): string }
  export default asciichart
}
