/** A line of a chart. Values that are not finite leave a gap. */
interface Series {
  readonly name: string
  readonly values: readonly number[]
  /** The x coordinate of each value. Default 0, 1, 2, ... */
  readonly x?: readonly number[]
}

interface CurvesOptions {
  readonly title: string
  readonly series: readonly Series[]
  readonly xLabel: string
  readonly yLabel: string
  /** Size in pixels. Default 640 x 360. */
  readonly width?: number
  readonly height?: number
}

/** M. Okabe and K. Ito's colours for colour-blind readers, without those that are too pale on white. */
const lineColours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000']

const margin = { left: 76, right: 16, top: 40, bottom: 48 }
const legendLine = 18

/** A line chart as self-contained SVG text, for a file or an HTML page. */
export function renderCurves({
  title,
  series,
  xLabel,
  yLabel,
  width = 640,
  height = 360,
}: CurvesOptions): string {
  const lines = series.map(({ name, values, x }, index) => ({
    name,
    colour: lineColours[index % lineColours.length]!,
    points: values.map((value, i): Point => [x?.[i] ?? i, value]),
  }))
  const finite = lines.flatMap(({ points }) => points).filter(isFinitePoint)
  const xAxis = layOutAxis(
    finite.map(([x]) => x),
    margin.left,
    width - margin.right,
  )
  const yAxis = layOutAxis(
    finite.map(([, y]) => y),
    height - margin.bottom,
    margin.top,
  )
  const [middle, centre] = [
    (margin.left + width - margin.right) / 2,
    (margin.top + height - margin.bottom) / 2,
  ]

  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"` +
      ` font-family="sans-serif" font-size="12" role="img">`,
    `<title>${escape(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    `<text x="${middle}" y="24" text-anchor="middle" font-size="15">${escape(title)}</text>`,
    ...xAxis.ticks.map((tick) => {
      const x = round(xAxis.place(tick))
      return (
        `<path d="M${x} ${margin.top}V${height - margin.bottom}" stroke="#ddd"/>` +
        `<text x="${x}" y="${height - margin.bottom + 16}" text-anchor="middle">${formatTick(tick)}</text>`
      )
    }),
    ...yAxis.ticks.map((tick) => {
      const y = round(yAxis.place(tick))
      return (
        `<path d="M${margin.left} ${y}H${width - margin.right}" stroke="#ddd"/>` +
        `<text x="${margin.left - 6}" y="${y + 4}" text-anchor="end">${formatTick(tick)}</text>`
      )
    }),
    `<text x="${middle}" y="${height - 10}" text-anchor="middle">${escape(xLabel)}</text>`,
    `<text transform="translate(16 ${centre}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`,
    ...lines.map(({ colour, points }) => {
      const path = linePath(points, xAxis.place, yAxis.place)
      // Round caps make a lone value between two gaps visible as a dot.
      return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-linecap="round"/>`
    }),
    ...lines.map(({ name, colour }, index) => {
      const y = margin.top + 14 + index * legendLine
      const right = width - margin.right - 8
      return (
        `<path d="M${right - 20} ${y - 4}H${right}" stroke="${colour}" stroke-width="3"/>` +
        `<text x="${right - 26}" y="${y}" text-anchor="end">${escape(name)}</text>`
      )
    }),
    '</svg>',
    '',
  ].join('\n')
}

type Point = readonly [x: number, y: number]
type Place = (value: number) => number

function isFinitePoint([x, y]: Point): boolean {
  return Number.isFinite(x) && Number.isFinite(y)
}

/** Maps the range of the values to `from..to` pixels, with about five round ticks. */
function layOutAxis(values: readonly number[], from: number, to: number): { place: Place; ticks: number[] } {
  let [low, high] = values.reduce(
    ([a, b], value) => [Math.min(a, value), Math.max(b, value)],
    [Infinity, -Infinity],
  )
  if (low > high) [low, high] = [0, 1] // nothing to show
  if (low === high)
    [low, high] = [low - Math.max(1, Math.abs(low)) / 2, high + Math.max(1, Math.abs(high)) / 2]
  const rough = (high - low) / 5
  const magnitude = 10 ** Math.floor(Math.log10(rough))
  const step = magnitude * [1, 2, 5, 10].find((factor) => factor * magnitude >= rough)!
  const ticks: number[] = []
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step)
  return { place: (value) => from + ((value - low) / (high - low)) * (to - from), ticks }
}

function linePath(points: readonly Point[], placeX: Place, placeY: Place): string {
  let pen = 'M'
  let path = ''
  for (const point of points) {
    if (isFinitePoint(point)) {
      const place = `${round(placeX(point[0]))} ${round(placeY(point[1]))}`
      path += pen === 'M' ? `M${place}L${place}` : `L${place}`
      pen = 'L'
    } else {
      pen = 'M'
    }
  }
  return path
}

function round(pixels: number): number {
  return Math.round(pixels * 100) / 100
}

function formatTick(value: number): string {
  return String(Number(value.toPrecision(6)))
}

function escape(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
}
