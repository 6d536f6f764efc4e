import { Html, html, type HtmlPart } from './html.js'

/**
 * A self-contained page: it includes its style, has no script and loads nothing.
 *
 * @param width broad for tables of many columns
 */
export function renderPage(title: string, body: HtmlPart, width: 'text' | 'broad' = 'text'): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="${policy}" />
        <title>${title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main class="${width}">${body}</main>
      </body>
    </html>`
  return `${page.text}\n`
}

/** Even if something slipped through, a browser would run no script and load nothing. */
const policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"

const style = `
:root { --ink: #1b1f24; --soft: #57606a; --line: #d0d7de; --paper: #ffffff; --band: #f6f8fa; --link: #0757ba;
  --good: #116329; --middling: #7d4e00; --bad: #a40e26; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b3; --line: #3d444d; --paper: #0d1117;
  --band: #161b22; --link: #6cb6ff; --good: #57d178; --middling: #e3b341; --bad: #ff8d85; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1200px; margin: 0 auto; padding: 20px 24px 48px; }
main.broad { max-width: none; }
h1 { font-size: 1.6rem; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 28px 0 8px; }
a { color: var(--link); }
p { max-width: 75ch; }
.soft { color: var(--soft); }
.verdict { display: inline-block; padding: 1px 10px; border: 2px solid; border-radius: 999px; font-weight: 600; }
.sound { color: var(--good); } .doubtful { color: var(--middling); } .collapsed { color: var(--bad); }
.slices { display: flex; flex-wrap: wrap; gap: 12px; }
figure { margin: 0; break-inside: avoid; }
figure .pair { display: flex; flex-wrap: wrap; gap: 8px; }
figure img { display: block; max-width: 100%; height: auto; }
figcaption { font-size: .85rem; color: var(--soft); }
.strip { display: flex; flex-wrap: wrap; gap: 12px 8px; align-items: flex-start; }
.strip img { margin-bottom: 4px; }
.legend { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 10px 0; padding: 0; list-style: none; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: 3px 12px 3px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
thead th { vertical-align: bottom; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.outlier { font-weight: 700; color: var(--bad); }
.swatch { display: inline-block; width: 1.1em; height: 1.1em; border: 1px solid var(--soft); vertical-align: -.2em; }
.columns { display: flex; flex-wrap: wrap; gap: 0 48px; }
.long { overflow-wrap: anywhere; font-family: ui-monospace, monospace; font-size: .8rem; }
.chart svg { max-width: 100%; height: auto; }
@media print { :root { --ink: #000; --soft: #444; --line: #bbb; --paper: #fff; --good: #116329; --middling: #7d4e00;
  --bad: #a40e26; --link: #000; } body { font-size: 10pt; } main { max-width: none; padding: 0; }
  .wide { overflow: visible; } * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  tr, figure { break-inside: avoid; } h2 { break-after: avoid; } }
`
