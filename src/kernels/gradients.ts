import { defineKernel } from './sources.ts'

const bindings = {
  entries: 'read',
  segments: 'read',
  residual: 'read',
  factors: 'read',
  gradient: 'read-write',
  batch: 'batch',
} as const

/** Gradients of a batch's user rows: see `shaders/gradients.wgsl`. */
export const userGradients = defineKernel('gradients', [bindings], { items: false })

/** Gradients of a batch's item rows, whose entries are found through `order`. */
export const itemGradients = defineKernel('gradients', [{ ...bindings, order: 'read' }], { items: true })
