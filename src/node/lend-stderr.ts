import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'

/**
 * Has a child process hold stderr, so that descriptor 2 can stand for something else for a while. Node cannot duplicate a
 * descriptor, and a socket cannot be reopened by its path as a file can; but a child inherits it, and Node sends sockets
 * between processes. If the child is killed meanwhile, stderr is lost and /dev/null takes its place.
 *
 * @returns a function that closes descriptor 2 and receives stderr in its place; undefined if the child does not start
 */
export async function lendStderr(): Promise<(() => Promise<void>) | undefined> {
  const child = spawn(process.execPath, ['-e', holder], {
    stdio: ['ignore', 'ignore', 2, 'ipc'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  if (!(await answerOf(child))) return undefined
  return async () => {
    const answer = answerOf(child)
    child.send('back')
    // Whatever is received takes the lowest free number.
    closeSync(2)
    const received = await answer
    if (received?.handle) held.push(received.handle)
    else openSync('/dev/null', 'a')
    if (child.connected) child.disconnect()
  }
}

/** Says that it is ready and, when asked, gives stderr back: the bare handle, since a `Socket` would start to read. */
const holder = `
const { Socket } = require('node:net')
const stderr = new Socket({ fd: 2, readable: false })._handle
process.on('message', () => process.send('stderr', stderr))
process.on('disconnect', () => process.exit())
if (stderr) process.send('ready')
else process.disconnect()
`

/** The next message of a child, or undefined if it ends before. */
async function answerOf(child: ChildProcess): Promise<{ handle: unknown } | undefined> {
  const settled = new AbortController()
  const { signal } = settled
  const ended = Promise.race([once(child, 'error', { signal }), once(child, 'exit', { signal })])
  const message = once(child, 'message', { signal })
  try {
    return await Promise.race([
      message.then((sent: unknown[]) => ({ handle: sent[1] })),
      ended.then(() => undefined),
    ])
  } catch {
    return undefined
  } finally {
    settled.abort()
    for (const waiting of [ended, message]) waiting.catch(() => undefined)
  }
}

/** Node closes the descriptor of a handle that nothing refers to. */
const held: unknown[] = []
