/** A message longer than this has its middle left out; what a file holds takes little of it, names of files the rest. */
const longest = 1000

/**
 * Something the user can mend: a missing file, an odd kernel size, a prior of another shape.
 *
 * The message is one line that says what is wrong, where, and what to do. Command-line programs print it
 * without a stack trace and exit with code 2. Characters that a terminal would obey instead of show are escaped.
 */
export class UserError extends Error {
  /** Always `UserError`, so that it can be distinguished from other errors without `instanceof`. */
  override readonly name = 'UserError'

  constructor(message: string, options?: ErrorOptions) {
    super(shortened(printable(message.trim().replace(/\s*[\r\n]+\s*/g, ' ')), longest), options)
  }
}

/**
 * The text with every control character escaped, and with them those that hide or reorder text: a terminal that prints
 * what a file holds must not obey it. Tabs and line ends stay.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0)!.toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}

/** A piece of a file's content for a message: in quotes, on one line, of `most` characters or so at most. */
export function quoted(text: string, most = 48): string {
  return printable(shortened(JSON.stringify(shortened(text, most)), most + 2))
}

// Of Unicode's categories: control, format (bidirectional overrides, zero widths), line and paragraph separators, surrogates.
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const end = Math.floor(most / 3)
  return `${text.slice(0, most - end - 3)}...${text.slice(text.length - end)}`
}
