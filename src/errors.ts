/**
 * Longer messages are cut in the middle. File names may take most of a message; quoted file content is always short.
 */
const longest = 1000

/**
 * A problem that the user can fix: a missing file, an even kernel size, a prior with the wrong shape.
 *
 * The message is one line that says what is wrong, where, and what to do. Command-line programs print it
 * without a stack trace and exit with code 2. Characters that a terminal would interpret are escaped.
 */
export class UserError extends Error {
  /** Always `UserError`, so that it can be distinguished from other errors without `instanceof`. */
  override readonly name = 'UserError'

  constructor(message: string, options?: ErrorOptions) {
    super(shortened(printable(message.trim().replace(/\s*[\r\n]+\s*/g, ' ')), longest), options)
  }
}

/**
 * The text with escapes for every control character, and for every character that hides or reorders text, so that the
 * content of a file cannot control a terminal that prints it. Tabs and line ends stay.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (character) => {
    const code = character.codePointAt(0)!.toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}

/** An excerpt of a file's content for a message: in quotes, on one line, about `most` characters long at most. */
export function quoted(text: string, most = 48): string {
  return printable(shortened(JSON.stringify(shortened(text, most)), most + 2))
}

// Unicode categories: control, format (bidirectional overrides, zero widths), line and paragraph separators,
// surrogates.
const UNPRINTABLE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  const end = Math.floor(most / 3)
  return `${text.slice(0, most - end - 3)}...${text.slice(text.length - end)}`
}
