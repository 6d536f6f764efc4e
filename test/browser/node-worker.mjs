// A worker thread starts without the loader of the thread that made it.
import { register } from 'tsx/esm/api'

register()
await import('./node-worker.ts')
