// One training of LIBMF's own library, as npm `libmf` carries it, in a process of its own; it prints its table of epochs.
//
//   node bench/run-libmf.mjs TRAIN TEST '{"factors":32,"epochs":10,"threads":2}'
import { Model } from 'libmf'

const [train, test, optionsText] = process.argv.slice(2)
const { factors, epochs, threads } = JSON.parse(optionsText)
// The other options stay at LIBMF's own defaults: eta 0.1, lambda 0.1 on both sides.
const model = new Model({ factors, iterations: epochs, threads, quiet: false })
model.fit(train, test)
model.destroy()
