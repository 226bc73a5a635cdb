import { describe, expect, it } from 'vitest'
import { type Bindings, type Kernel, linkKernel } from '../../src/gpu/kernel.ts'
import { useGpu } from '../support/gpu.ts'

const modules = import.meta.glob<Record<string, unknown>>('../../src/kernels/*.ts', { eager: true })
const isKernel = (value: unknown): value is Kernel<readonly Bindings[]> =>
  typeof value === 'object' && value !== null && 'conditions' in value
const kernels = Object.values(modules).flatMap(module => Object.values(module).filter(isKernel))

const device = useGpu()

describe('the shader compiler', () => {
  it.each(kernels.map(kernel => [kernel.name, kernel.conditions, kernel] as const))(
    'has nothing to say of %s %j',
    async (_name, _conditions, kernel) => {
      const module = device.gpu.device.createShaderModule({ label: kernel.name, code: await linkKernel(kernel) })
      const { messages } = await device.gpu.wait(module.getCompilationInfo())
      expect(messages.map(({ type, lineNum, message }) => `${type} in line ${lineNum}: ${message}`)).toEqual([])
    },
  )
})
