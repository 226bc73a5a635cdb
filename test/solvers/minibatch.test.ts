import { solverContract } from './contract.ts'

solverContract('mini-batch sgd', {
  options: { optimizer: 'sgd', learningRate: 0.05, regularization: 0.02 },
  divergingRate: 30,
})
solverContract('mini-batch momentum', {
  options: { optimizer: 'momentum', learningRate: 0.005, regularization: 0.02 },
  divergingRate: 5,
})
solverContract('mini-batch adagrad', {
  options: { optimizer: 'adagrad', learningRate: 0.1, regularization: 0.02 },
  divergingRate: 500,
})
solverContract('mini-batch adam', {
  options: { optimizer: 'adam', learningRate: 0.01, regularization: 1e-4 },
  divergingRate: 50,
})
solverContract('mini-batch sparse adam', {
  options: { optimizer: 'sparse-adam', learningRate: 0.01, regularization: 0.02 },
  divergingRate: 50,
})
