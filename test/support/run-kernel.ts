import { expect } from 'vitest'
import type { Gpu } from '../../src/gpu/gpu.ts'
import type { BindingKind, Bindings, Constants, Kernel } from '../../src/gpu/kernel.ts'

/** Bits of a NaN that no arithmetic makes: what a kernel has not written shows, and what it should not read spoils. */
const poison = 0x7fc0dead

/** Poisoned words at the end of every storage buffer, where nothing may be written. */
const guardWords = 64

/** Where the window of a `batch` binding lies in its buffer; at 0 a forgotten offset would not show. */
const batchOffset = 256

/** A table that a kernel fills: so many poisoned words. */
export interface Output {
  words: number
}

type Names<Groups extends readonly Bindings[]> = { [Index in keyof Groups]: keyof Groups[Index] }[number] & string

export interface KernelRun<Groups extends readonly Bindings[]> {
  constants?: Constants
  workgroups: number
  /** Without it one workgroup too many is dispatched, as a grid of two dimensions may have: it is to do nothing. */
  exact?: boolean
  /** What each binding holds before the run; a `batch` binding, its window. */
  buffers: Readonly<Record<Names<Groups>, ArrayBufferView<ArrayBuffer> | ArrayBuffer | Output>>
}

export interface KernelResult<Groups extends readonly Bindings[]> {
  /** A read-write binding after the run, as bits. */
  words(name: Names<Groups>): Uint32Array
  /** The same as numbers. */
  floats(name: Names<Groups>): Float32Array
}

/**
 * Runs one kernel once and reads its read-write bindings back.
 * @throws Error where a kernel wrote past the end of one.
 */
export async function runKernel<const Groups extends readonly Bindings[]>(
  gpu: Gpu,
  kernel: Kernel<Groups>,
  run: KernelRun<Groups>,
): Promise<KernelResult<Groups>> {
  const pipeline = await gpu.pipeline(kernel, run.constants)
  const buffers = gpu.buffers()
  try {
    const outputs: [name: string, buffer: GPUBuffer, words: number][] = []
    const upload = (name: string, kind: BindingKind): GPUBuffer => {
      const content = wordsOf(run.buffers[name as Names<Groups>])
      if (kind === 'uniform') return buffers.uniform(name, Uint32Array.from(content).buffer)
      if (kind === 'batch') return buffers.uniform(name, batchWindow(content))
      const guarded = new Uint32Array(content.length + guardWords).fill(poison)
      guarded.set(content)
      const buffer = buffers.upload(name, guarded)
      if (kind === 'read-write') outputs.push([name, buffer, content.length])
      return buffer
    }
    await gpu.checked(kernel.name, () => {
      const groups = kernel.groups.map((group, index) => {
        const bound = Object.entries(group).map(([name, kind]) => [name, upload(name, kind)])
        return pipeline.bind(index as never, Object.fromEntries(bound), batchBytes(run, group))
      })
      const encoder = gpu.device.createCommandEncoder({ label: kernel.name })
      const pass = encoder.beginComputePass({ label: kernel.name })
      pipeline.dispatch(pass, groups, run.workgroups + Number(run.exact !== true), batchOffset)
      pass.end()
      gpu.device.queue.submit([encoder.finish()])
    })
    await gpu.settle(buffers)
    const results = new Map<string, Uint32Array<ArrayBuffer>>()
    for (const [name, buffer, words] of outputs) {
      const all = new Uint32Array(await gpu.read(buffer, 4 * (words + guardWords)))
      const spoilt = all.findIndex((word, index) => index >= words && word !== poison)
      if (spoilt >= 0) throw new Error(`${kernel.name} wrote to ${name}[${spoilt}], past its end at ${words}`)
      results.set(name, all.subarray(0, words))
    }
    const words = (name: string) => {
      const result = results.get(name)
      if (result === undefined) throw new Error(`${kernel.name} does not write to ${name}`)
      return result
    }
    return {
      words,
      floats(name) {
        const bits = words(name)
        return new Float32Array(bits.buffer, bits.byteOffset, bits.length)
      },
    }
  } finally {
    buffers.destroy()
  }
}

/** That nobody wrote to these words. */
export function expectPoison(words: Uint32Array): void {
  const written = words.findIndex(word => word !== poison)
  expect(written, 'place of a word that nobody should have written').toBe(-1)
}

function wordsOf(content: ArrayBufferView<ArrayBuffer> | ArrayBuffer | Output): Uint32Array {
  if (content instanceof ArrayBuffer) return new Uint32Array(content)
  if (ArrayBuffer.isView(content)) return new Uint32Array(content.buffer, content.byteOffset, content.byteLength / 4)
  return new Uint32Array(content.words).fill(poison)
}

const windowBytes = (words: number): number => 16 * Math.ceil((4 * words) / 16)

function batchWindow(content: Uint32Array): ArrayBuffer {
  const buffer = new Uint32Array((batchOffset + windowBytes(content.length)) / 4).fill(poison)
  buffer.set(content, batchOffset / 4)
  return buffer.buffer
}

function batchBytes<Groups extends readonly Bindings[]>(run: KernelRun<Groups>, group: Bindings): number | undefined {
  const name = Object.keys(group).find(key => group[key] === 'batch')
  return name === undefined ? undefined : windowBytes(wordsOf(run.buffers[name as Names<Groups>]).length)
}
