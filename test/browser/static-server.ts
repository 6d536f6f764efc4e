import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A file that is served: its media type and its text. */
interface ServedFile {
  readonly type: string
  readonly text: string
}

/**
 * Serves files from memory by their paths, for this machine only, at a port that is free.
 *
 * @param onPost takes what a page posts
 */
export async function serve(
  files: Readonly<Record<string, ServedFile>>,
  onPost: (body: string) => void = () => undefined,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const { url = '/', method } = request
    if (method === 'POST') {
      void text(request).then(onPost)
      response.end()
      return
    }
    const file = files[new URL(url, 'http://127.0.0.1').pathname]
    response.writeHead(file ? 200 : 404, { 'content-type': file?.type ?? 'text/plain' })
    response.end(file?.text ?? 'no such file')
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve()
        })
        server.closeAllConnections()
      }),
  }
}
