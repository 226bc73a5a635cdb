import { describe, expect, it } from 'vitest'
import { DeviceLostError, GpuFailedError } from '../../src/errors.ts'
import type { Gpu } from '../../src/gpu/gpu.ts'
import { type Load, Submitter } from '../../src/gpu/submitter.ts'
import { GpuTimer } from '../../src/gpu/timer.ts'
import { PairSums } from '../../src/model/sums.ts'
import { onOwnGpu, useGpu } from '../support/gpu.ts'

const device = useGpu()

describe('Submitter', () => {
  /** Runs a thousand small steps; `meddle` is called before each is encoded. */
  async function run(
    gpu: Gpu,
    meddle: (step: number, pass: GPUComputePassEncoder) => void,
    signal?: AbortSignal,
    loads: readonly Load[] = [],
    read?: () => Promise<unknown>,
  ): Promise<number[]> {
    const buffers = gpu.buffers()
    const sums = await PairSums.create(gpu, buffers, 'sums', 1000)
    const timer = new GpuTimer(gpu, buffers)
    const steps: number[] = []
    try {
      await new Submitter(gpu, timer).run(
        'steps',
        1000,
        (pass, step) => {
          meddle(step, pass)
          steps.push(step)
          sums.encode(pass)
        },
        { signal, loads, read },
      )
      return steps
    } finally {
      timer.destroy()
      buffers.destroy()
    }
  }

  it('encodes every step once, in order', async () => {
    expect(await run(device.gpu, () => {})).toEqual(Array.from({ length: 1000 }, (_, step) => step))
  })

  it("stops with the signal's reason", async () => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const meddle = (step: number) => step === 5 && abort.abort(reason)
    await expect(run(device.gpu, meddle, abort.signal)).rejects.toBe(reason)
    await device.gpu.idle()
  })

  it('writes each load ahead of its steps, in submits of their own', async () => {
    const { queue } = device.gpu.device
    const { submit } = queue
    const seen: (number | string)[] = []
    const ends = [1, 7, 8, 300, 990]
    const loads = ends.map(end => ({ end, write: () => seen.push(`load to ${end}`) }))
    queue.submit = function (commands) {
      seen.push('submit')
      submit.call(this, commands)
    }
    try {
      await run(device.gpu, step => seen.push(step), undefined, loads)
    } finally {
      queue.submit = submit
    }
    let step = 0
    ends.forEach((end, at) => {
      const from = seen.indexOf(`load to ${end}`)
      expect(seen[from - 1]).toBe(at === 0 ? undefined : 'submit')
      const to = at + 1 < ends.length ? seen.indexOf(`load to ${ends[at + 1]}`) : seen.length
      const steps = seen.slice(from + 1, to).filter(one => one !== 'submit')
      const last = at + 1 < ends.length ? end : 1000
      expect(steps).toEqual(Array.from({ length: last - step }, () => step++))
    })
  })

  it('reads what all steps leave, and gives that', async () => {
    const buffers = device.gpu.buffers()
    const sums = await PairSums.create(device.gpu, buffers, 'sums', 1000)
    const timer = new GpuTimer(device.gpu, buffers)
    const pairs = Float32Array.from({ length: 2000 }, (_, at) => at % 7)
    device.gpu.device.queue.writeBuffer(sums.pairs, 0, pairs)
    let encoded = 0
    const read = () => Promise.all([sums.read(), encoded])
    const submitter = new Submitter(device.gpu, timer)
    const encode = (pass: GPUComputePassEncoder, step: number) => {
      encoded++
      if (step === 299) sums.encode(pass)
    }
    const [[first, second], steps] = await submitter.run('steps', 300, encode, { read })
    const total = (side: number) => pairs.reduce((sum, number, at) => (at % 2 === side ? sum + number : sum), 0)
    expect([first, second, steps]).toEqual([total(0), total(1), 300])
    timer.destroy()
    buffers.destroy()
  })

  it('fails as the steps do, not as the reading', async () => {
    const meddle = (step: number, pass: GPUComputePassEncoder) => {
      if (step === 999) pass.setBindGroup(99, null)
    }
    const failing = async () => {
      throw new Error('unread')
    }
    await expect(run(device.gpu, meddle, undefined, [], failing)).rejects.toThrow(GpuFailedError)
    await device.gpu.idle()
  })

  // A piece behind the one that failed fails as well; the runner reports a rejection that nobody hears.
  it.each([0, 1, 40])('fails once where pieces fail from step %i on', async first => {
    const meddle = (step: number, pass: GPUComputePassEncoder) => {
      if (step >= first) pass.setBindGroup(99, null)
    }
    await expect(run(device.gpu, meddle)).rejects.toThrow(GpuFailedError)
    await device.gpu.idle()
  })

  it.each([0, 1, 40])('hears of a device that is lost at step %i', async at => {
    await onOwnGpu(async gpu => {
      await expect(run(gpu, step => step === at && gpu.device.destroy())).rejects.toThrow(DeviceLostError)
    })
  })
})
