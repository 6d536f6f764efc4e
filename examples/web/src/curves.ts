import type { HistoryPoint } from './protocol.js'

interface Point {
  readonly x: number
  readonly y: number
}

interface Chart {
  readonly title: string
  readonly points: readonly Point[]
  /** A horizontal line for comparison. */
  readonly reference?: { readonly name: string; readonly y: number } | undefined
  /** The epoch in which training starts. */
  readonly divider?: number | undefined
}

const height = 200

/** Mean Dice over the whole run, with that of the prior alone for comparison. */
export function drawDice(
  host: HTMLElement,
  history: readonly HistoryPoint[],
  priorDice: number | undefined,
): void {
  const pretrained = pretrainingEpochs(history)
  const points = history.flatMap(({ stage, epoch, dice }) =>
    dice === undefined ? [] : [{ x: stage === 'training' ? pretrained + epoch : epoch, y: dice }],
  )
  draw(host, {
    title: 'Mean Dice',
    points,
    reference: priorDice === undefined ? undefined : { name: 'the prior alone', y: priorDice },
    divider: pretrained > 0 && history.at(-1)?.stage === 'training' ? pretrained : undefined,
  })
}

/** The loss of the current stage only, because the losses of the two stages have different units. */
export function drawLoss(host: HTMLElement, history: readonly HistoryPoint[]): void {
  const stage = history.at(-1)?.stage ?? 'pretraining'
  const all = history.filter((point) => point.stage === stage)
  const points = all.map(({ epoch, loss }) => ({ x: epoch, y: loss }))
  draw(host, { title: stage === 'training' ? 'Loss of training' : 'Cross-entropy of pretraining', points })
}

function pretrainingEpochs(history: readonly HistoryPoint[]): number {
  return history.filter(({ stage }) => stage === 'pretraining').length
}

function draw(host: HTMLElement, chart: Chart): void {
  const { title, points, reference, divider } = chart
  if (points.length === 0) {
    host.replaceChildren()
    return
  }
  // Use the available width, so that text keeps its size on a phone.
  const width = Math.max(host.clientWidth, 240)
  const plot = { left: 48, right: width - 12, top: 30, bottom: height - 24 }
  const ys = [...points.map(({ y }) => y), ...(reference ? [reference.y] : [])]
  const [low, high] = padded(Math.min(...ys), Math.max(...ys))
  const first = points[0]!.x
  const last = Math.max(points.at(-1)!.x, first + 1)
  const toX = (x: number) => plot.left + ((x - first) / (last - first)) * (plot.right - plot.left)
  const toY = (y: number) => plot.bottom - ((y - low) / (high - low)) * (plot.bottom - plot.top)
  const parts: SVGElement[] = [text(plot.left, 16, title, 'title')]
  for (const y of ticks(low, high, 4)) {
    parts.push(line(plot.left, toY(y), plot.right, toY(y), 'axis'))
    parts.push(text(plot.left - 6, toY(y) + 4, short(y), '', 'end'))
  }
  for (const x of ticks(first, last, Math.min(6, width / 60)).filter(Number.isInteger)) {
    parts.push(text(toX(x), height - 8, String(x), '', 'middle'))
  }
  if (divider !== undefined) {
    parts.push(line(toX(divider), plot.top, toX(divider), plot.bottom, 'divider'))
    parts.push(text(toX(divider) + 5, plot.bottom - 5, 'training', ''))
  }
  if (reference) {
    const y = toY(reference.y)
    parts.push(line(plot.left, y, plot.right, y, 'reference'))
    parts.push(text(plot.left + 4, y - 5, reference.name, 'reference-label'))
  }
  parts.push(
    element('polyline', { class: 'line', points: points.map(({ x, y }) => `${toX(x)},${toY(y)}`).join(' ') }),
  )
  const now = points.at(-1)!
  parts.push(element('circle', { cx: toX(now.x), cy: toY(now.y), r: 3.5, fill: 'var(--accent)' }))
  parts.push(text(plot.right, 16, `epoch ${now.x}: ${short(now.y)}`, '', 'end'))
  const svg = element('svg', {
    viewBox: `0 0 ${width} ${height}`,
    role: 'img',
    'aria-label': describe(chart),
  })
  svg.append(...parts)
  host.replaceChildren(svg)
}

/** A description of the chart for screen readers. */
function describe({ title, points, reference }: Chart): string {
  const beside = reference ? ` ${reference.name} has ${short(reference.y)}.` : ''
  const [first, last] = [points[0]!, points.at(-1)!]
  return `${title} by epoch: ${short(first.y)} in epoch ${first.x}, ${short(last.y)} in epoch ${last.x}.${beside}`
}

function padded(low: number, high: number): [number, number] {
  const margin = 0.06 * (high - low) || 0.5 * Math.abs(high) || 1
  return [low - margin, high + margin]
}

/** About `count` round numbers between two. */
function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough)!
  const from = Math.ceil(low / step)
  return Array.from({ length: Math.floor(high / step) - from + 1 }, (_, i) =>
    Number(((from + i) * step).toPrecision(8)),
  )
}

const number = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })

function short(value: number): string {
  return number.format(value)
}

function line(x1: number, y1: number, x2: number, y2: number, name: string): SVGElement {
  return element('line', { x1, y1, x2, y2, class: name })
}

function text(x: number, y: number, content: string, name: string, anchor = 'start'): SVGElement {
  const node = element('text', { x, y, class: name, 'text-anchor': anchor })
  node.textContent = content
  return node
}

function element(name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name)
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value))
  return node
}
