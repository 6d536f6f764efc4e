import { describe, expect, it } from 'vitest'
import { fileUrl, html } from '../../src/report/html.js'
import { renderPage } from '../../src/report/page.js'

describe('html', () => {
  it('escapes text, in elements and in attributes, and takes pieces of itself as they are', () => {
    const name = `<b onclick='x'>"&`
    const cell = html`<td title="${name}">${name}</td>`
    const escaped = '&lt;b onclick=&#39;x&#39;&gt;&quot;&amp;'
    expect(cell.text).toBe(`<td title="${escaped}">${escaped}</td>`)
    const list = html`${[cell, undefined, 5, html`<i></i>`]}`
    expect(list.text).toBe(`${cell.text}5<i></i>`)
  })

  it('escapes the title of a page', () => {
    expect(renderPage('</title><script>', 'x')).not.toContain('<script>')
  })

  it('makes addresses of files that no name turns into another', () => {
    expect(fileUrl('a b#?%<c>.html')).toBe('./a%20b%23%3F%25%3Cc%3E.html')
    expect(fileUrl('javascript:x')).toBe('./javascript%3Ax')
  })
})
