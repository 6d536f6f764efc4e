/** Pages about segmentations, for programs in browsers and in Node: pictures, tables, one file of HTML. */
export { classColour, toHex, type Colour } from './colours.js'
export { Html, html, type HtmlPart } from './html.js'
export type { OverlaidVolume } from './overlay.js'
export { renderPage } from './page.js'
export { formatVolume, regionsTable, slicesSection, type RegionRow, type ShownScan } from './scan-sections.js'
export type { SliceGrid } from './slices.js'
