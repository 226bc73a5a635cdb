import type { Bindings, Kernel } from '../gpu/kernel.ts'

const files = import.meta.glob<string>('../../shaders/**/*.wgsl', { query: '?raw', import: 'default', eager: true })

/** All WGSL modules by their path below `shaders/`. */
export const sources: Readonly<Record<string, string>> = Object.fromEntries(
  Object.entries(files).map(([path, text]) => [path.replace('../../shaders', '.'), text]),
)

/** A kernel over `shaders/<name>.wgsl`. */
export function defineKernel<const Groups extends readonly Bindings[]>(
  name: string,
  groups: Groups,
  conditions: Readonly<Record<string, boolean>> = {},
  sizes: Readonly<Record<string, number>> = {},
): Kernel<Groups> {
  return { name, groups, conditions, sizes, sources }
}
