// To be imported before the program: each device is lost at its nth submit, until as many are lost as are to be.
import { globals } from 'webgpu'

const [at, devices] = process.env.LOSE_DEVICE.split(',').map(Number)
const submits = new Map()
const { createCommandEncoder } = globals.GPUDevice.prototype
// A queue does not tell its device: encoders are made for submits, one each.
globals.GPUDevice.prototype.createCommandEncoder = function (...words) {
  const count = (submits.get(this) ?? 0) + 1
  submits.set(this, count)
  if (submits.size <= devices && count === at) this.destroy()
  return createCommandEncoder.apply(this, words)
}
