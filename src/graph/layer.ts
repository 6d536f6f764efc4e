let current: string | undefined

/**
 * Builds a part of a graph under a name. The nodes that `body` adds carry it; messages about them and the rows of
 * `describe` show it. Names nest: `head` within `decoder` is `decoder.head`. Gradients carry the layer of their node.
 *
 * @param body adds nodes synchronously; nodes added after an `await` would not carry the name
 * @throws what `body` throws, with the layer in front of the message
 *
 * @example
 * const features = inLayer('stem', () => relu(conv3d(scan, weight, bias)))
 */
export function inLayer<T>(name: string, body: () => T): T {
  return atLayer(current === undefined ? name : `${current}.${name}`, body)
}

/** As `inLayer`, but `layer` is the full name, regardless of enclosing layers; undefined for no layer. */
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

/** The layer in which new nodes are added; undefined outside of any. */
export function currentLayer(): string | undefined {
  return current
}

/** Errors whose message already names a place. */
const placedErrors = new WeakSet<Error>()

/** Puts the place that an error comes from in front of its message, unless the message already names one. */
export function placed(place: string, error: unknown): unknown {
  if (!(error instanceof Error) || placedErrors.has(error)) return error
  placedErrors.add(error)
  if (!error.message.startsWith(`${place}: `)) error.message = `${place}: ${error.message}`
  return error
}

/** Where a node is, for messages: `encoder.block3: conv3d`. */
export function placeOf({ op, layer }: { readonly op: string; readonly layer?: string | undefined }): string {
  return layer === undefined ? op : `${layer}: ${op}`
}
