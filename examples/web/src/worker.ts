import { UserError } from 'sae-webgpu'
import type { CallMessage, Calls, WorkerMessage } from './protocol.js'
import { Session } from './session.js'

const post = (message: WorkerMessage, transfer: Transferable[] = []): void => {
  self.postMessage(message, { transfer })
}

const session: Calls = new Session((event) => {
  post({ type: 'event', event })
})

self.onmessage = ({ data }: MessageEvent<CallMessage>) => {
  void answer(data)
}

async function answer({ id, name, args }: CallMessage): Promise<void> {
  try {
    const call = session[name].bind(session) as (...args: readonly unknown[]) => Promise<unknown>
    const result = await call(...args)
    post({ type: 'result', id, result }, buffersOf(result))
  } catch (error) {
    post({ type: 'failure', id, message: lineOf(error) })
  }
}

/** The buffers of files, which are transferred to the page instead of copied. */
function buffersOf(result: unknown): Transferable[] {
  if (typeof result !== 'object' || result === null) return []
  const { bytes, image } = result as {
    bytes?: Uint8Array<ArrayBuffer>
    image?: { bytes: Uint8Array<ArrayBuffer> }
  }
  return [bytes, image?.bytes].flatMap((file) => (file ? [file.buffer] : []))
}

function lineOf(error: unknown): string {
  if (error instanceof UserError) return error.message
  // In the words of Chromium, Firefox and Safari.
  if (error instanceof RangeError && /allocation|array length|out of memory/i.test(error.message))
    return 'there is not enough memory for data of this size; choose fewer or smaller images'
  console.error(error)
  return `Something unexpected went wrong: ${error instanceof Error ? error.message : String(error)}`
}
