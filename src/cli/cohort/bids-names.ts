/** The keys of BIDS entities, in the order that names must have them in (BIDS 1.10, rules/entities). */
export const entityOrder = [
  ...['sub', 'tpl', 'ses', 'cohort', 'sample', 'task', 'tracksys', 'acq', 'nuc', 'voi', 'ce', 'trc', 'stain'],
  ...['rec', 'dir', 'run', 'mod', 'echo', 'flip', 'inv', 'mt', 'part', 'proc', 'hemi', 'space', 'split'],
  ...['recording', 'chunk', 'atlas', 'seg', 'scale', 'res', 'den', 'label', 'prov', 'desc'],
]

/**
 * Puts an entity into the entities of a name, where BIDS wants it: `sub-01_desc-brain`, `seg`, `sae` ->
 * `sub-01_seg-sae_desc-brain`. Replaces the one that has the same key.
 */
export function withEntity(entities: string, key: string, value: string): string {
  const others = entities.split('_').filter((entity) => keyOf(entity) !== key)
  const after = others.findIndex((entity) => entityOrder.indexOf(keyOf(entity)) > entityOrder.indexOf(key))
  return others.toSpliced(after === -1 ? others.length : after, 0, `${key}-${value}`).join('_')
}

/** The value of an entity of a name; undefined if the name has none. */
export function entityOf(entities: string, key: string): string | undefined {
  return entities
    .split('_')
    .find((entity) => keyOf(entity) === key)
    ?.slice(key.length + 1)
}

const keyOf = (entity: string): string => entity.split('-', 1)[0]!
