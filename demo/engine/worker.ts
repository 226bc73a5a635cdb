import { expose } from 'comlink'
import { Gpu } from '../../src/index.ts'
import { Session } from './session.ts'

expose(new Session(() => Gpu.open()))
