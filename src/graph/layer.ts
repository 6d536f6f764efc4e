let current: string | undefined

/**
 * Builds a part of a graph under a name: the nodes that `body` adds carry it, and so do messages about them and the rows
 * of `describe`. Names nest: `head` within `decoder` is `decoder.head`. Gradients carry the layer of their node.
 *
 * @param body adds nodes at once; what it adds after an `await` would carry no name
 * @throws what `body` throws, the message headed by the layer
 *
 * @example
 * const features = inLayer('stem', () => relu(conv3d(scan, weight, bias)))
 */
export function inLayer<T>(name: string, body: () => T): T {
  return atLayer(current === undefined ? name : `${current}.${name}`, body)
}

/** The same under a complete name, whatever is around it; undefined for no layer. */
export function atLayer<T>(layer: string | undefined, body: () => T): T {
  const outer = current
  current = layer
  try {
    return body()
  } catch (error) {
    throw layer === undefined ? error : placed(layer, error)
  } finally {
    current = outer
  }
}

/** The layer that nodes are being added to. */
export function currentLayer(): string | undefined {
  return current
}

/** Errors that say where they come from. */
const told = new WeakSet<Error>()

/** An error whose message is headed by the place that it comes from, unless it already names one. */
export function placed(place: string, error: unknown): unknown {
  if (!(error instanceof Error) || told.has(error)) return error
  told.add(error)
  if (!error.message.startsWith(`${place}: `)) error.message = `${place}: ${error.message}`
  return error
}

/** Where a node is, for messages: `encoder.block3: conv3d`. */
export function placeOf({ op, layer }: { readonly op: string; readonly layer?: string | undefined }): string {
  return layer === undefined ? op : `${layer}: ${op}`
}
