import { solverContract } from './contract.ts'

solverContract('fused adagrad', { options: { solver: 'sgd', regularization: 0.1 }, divergingRate: 1e4 })
solverContract('fused sgd', {
  options: { solver: 'sgd', optimizer: 'sgd', learningRate: 0.05, regularization: 0.1 },
  divergingRate: 30,
})
