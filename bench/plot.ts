// Plots as SVG, drawn by ECharts without a browser.
import * as echarts from 'echarts'

export interface Bar {
  readonly name: string
  /** If undefined, only the label is drawn. */
  readonly value: number | undefined
  readonly label: string
  readonly highlight?: boolean
}

/** A group of bars with its own heading. */
export interface BarPanel {
  readonly title: string
  readonly bars: readonly Bar[]
}

interface Series {
  readonly name: string
  /** One value per category. */
  readonly values: readonly number[]
}

const colours = ['#4c72b0', '#dd8452', '#55a868', '#c44e52', '#8172b3', '#937860', '#da8bc3', '#8c8c8c']
const font = { fontFamily: 'sans-serif', fontSize: 12, color: '#222' }
const barHeight = 22
const width = 900

/** Horizontal bars on one axis, in panels below each other. */
export function horizontalBars(
  title: string,
  axis: string,
  panels: readonly BarPanel[],
  scale: 'linear' | 'log' = 'linear',
): string {
  const all = panels.flatMap((panel) => panel.bars)
  const values = all.flatMap(({ value }) => value ?? [])
  const decade = (value: number, round: (x: number) => number) => 10 ** round(Math.log10(value))
  // A logarithmic axis has no 0, so bars start at the decade below the smallest value.
  const start = scale === 'log' ? decade(Math.min(...values, 1), Math.floor) : 0
  const end = scale === 'log' ? decade(Math.max(...values, 10), Math.ceil) : undefined
  const left = 40 + 7 * Math.max(...all.map(({ name }) => name.length))
  let top = 60
  const tops = panels.map(({ bars }) => {
    const here = top
    top += bars.length * barHeight + 58
    return here
  })
  return render(top + 24, {
    ...heading(title),
    grid: panels.map(({ bars }, i) => ({
      left,
      right: 70,
      top: tops[i]! + 22,
      height: bars.length * barHeight,
    })),
    graphic: panels.map((panel, i) => ({
      type: 'text',
      left: 20,
      top: tops[i]!,
      style: { text: panel.title, font: 'bold 13px sans-serif', fill: '#222' },
    })),
    xAxis: panels.map((_, i) => ({
      type: scale === 'log' ? 'log' : 'value',
      gridIndex: i,
      min: start,
      ...(end === undefined ? {} : { max: end }),
      axisLabel: font,
      ...(i === panels.length - 1 ? named(axis) : {}),
    })),
    yAxis: panels.map(({ bars }, i) => ({
      type: 'category',
      gridIndex: i,
      inverse: true,
      data: bars.map(({ name }) => name),
      axisLabel: font,
      axisTick: { show: false },
    })),
    series: panels.map(({ bars }, i) => ({
      type: 'bar',
      xAxisIndex: i,
      yAxisIndex: i,
      barWidth: '70%',
      data: bars.map(({ value, label, highlight }) => ({
        value: value ?? start,
        itemStyle: { color: highlight ? colours[1]! : colours[0]! },
        label: { show: true, position: 'right', formatter: label, ...font },
      })),
    })),
  })
}

/** Vertical bars, one per category; the series are stacked or side by side. */
export function bars(
  title: string,
  xAxis: string,
  yAxis: string,
  categories: readonly string[],
  series: readonly Series[],
  stacked = true,
): string {
  return render(480, {
    ...heading(title),
    ...legend(series),
    grid: { left: 80, right: 30, top: 90, bottom: 60 },
    xAxis: { type: 'category', data: [...categories], axisLabel: font, ...named(xAxis) },
    yAxis: { type: 'value', axisLabel: font, ...named(yAxis, 52) },
    series: series.map(({ name, values }, i) => ({
      type: 'bar',
      name,
      data: [...values],
      itemStyle: { color: colours[i % colours.length]! },
      ...(stacked ? { stack: 'all', barMaxWidth: 70 } : {}),
    })),
  })
}

/** A row of dots. */
interface DotRow {
  readonly name: string
  readonly values: readonly number[]
  readonly mean: number
}

/** Dots on one axis, in a row for each name, with a stroke at their mean. */
export function dots(title: string, axis: string, rows: readonly DotRow[]): string {
  const left = 40 + 7 * Math.max(...rows.map(({ name }) => name.length))
  const points = rows.flatMap(({ name, values }) => values.map((value) => [value, name]))
  return render(rows.length * barHeight + 130, {
    ...heading(title),
    grid: { left, right: 40, top: 60, height: rows.length * barHeight },
    xAxis: { type: 'value', scale: true, axisLabel: font, ...named(axis) },
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(({ name }) => name),
      axisLabel: font,
      splitLine: { show: true },
    },
    series: [
      { type: 'scatter', data: points, symbolSize: 7, itemStyle: { color: colours[0]!, opacity: 0.6 } },
      {
        type: 'scatter',
        data: rows.map(({ name, mean }) => [mean, name]),
        symbol: 'rect',
        symbolSize: [3, 16],
        itemStyle: { color: colours[1]! },
      },
    ],
  })
}

function heading(title: string): echarts.EChartsOption {
  const textStyle = { ...font, fontSize: 15, width: width - 40, overflow: 'break' as const }
  return { title: { text: title, left: 20, top: 12, textStyle }, backgroundColor: '#fff', animation: false }
}

function legend(series: readonly { readonly name: string }[]): echarts.EChartsOption {
  return { legend: { data: series.map(({ name }) => name), top: 52, itemGap: 24, textStyle: font } }
}

function named(name: string, nameGap = 32) {
  return { name, nameLocation: 'middle' as const, nameGap, nameTextStyle: font }
}

function render(height: number, options: echarts.EChartsOption): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height })
  chart.setOption(options)
  const svg = chart.renderToSVGString()
  chart.dispose()
  return svg
}
