/** Runs the core in a Web Worker when the page asks for it. */
import type { DeviceWish } from '../device-wish.js'
import type { Answer } from './page.js'
import { runHere } from './run-here.js'

const post = (answer: Answer): void => {
  postMessage(answer)
}

onmessage = ({ data }: MessageEvent<DeviceWish | undefined>) => {
  runHere(data).then(
    (result) => {
      post({ result })
    },
    (error: unknown) => {
      post({ error: error instanceof Error ? `${error.message}\n${error.stack ?? ''}` : String(error) })
    },
  )
}
