import { openGpu } from '../src/node/index.js'
const gpu = await openGpu({ adapter: process.argv[2] })
console.log(gpu.adapter.name, [...gpu.device.features].sort().join(' '))
console.log([...((await import('webgpu')).create([]) ? [] : [])])
process.exit(0)
