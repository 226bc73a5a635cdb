import { rankingContract } from './ranking-contract.ts'

rankingContract('bpr', { model: 'bpr', epochs: 40 })
rankingContract('bpr by popularity, without biases', { model: 'bpr', epochs: 40, negativePower: 0.75, biases: false })
