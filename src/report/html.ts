/** Text that is HTML already. Only `html` makes it, so that nothing comes into a page without being escaped. */
export class Html {
  constructor(readonly text: string) {}
}

/** What a template takes: text is escaped, HTML is not, lists are joined, what is undefined leaves nothing. */
export type HtmlPart = string | number | undefined | Html | readonly HtmlPart[]

/** A piece of HTML: html`<td>${name}</td>`. In attributes, quote: html`<a href="${url}">`. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return new Html(strings.map((text, i) => text + toText(parts[i])).join(''))
}

function toText(part: HtmlPart): string {
  if (part === undefined) return ''
  if (part instanceof Html) return part.text
  if (typeof part === 'object') return part.map(toText).join('')
  return escapeHtml(String(part))
}

/** For text and for attributes in quotes. */
function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

/** The address of a file beside the page or in a folder there, whatever characters its name has. */
export function fileUrl(path: string): string {
  return `./${path.split('/').map(encodeURIComponent).join('/')}`
}
