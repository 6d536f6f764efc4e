/** One Markdown page per command of `sae`, and one for each program beside it, made from their help. */
import type { Command, Option } from 'commander'
import { format, resolveConfig } from 'prettier'

/**
 * Page texts by file name, formatted as the repository is.
 *
 * @param program `sae`, whose commands get the pages
 * @param others programs without commands
 */
export async function commandPages(
  program: Command,
  others: readonly Command[],
): Promise<Map<string, string>> {
  const style = await resolveConfig('docs/commands/page.md')
  const pages = new Map<string, string>()
  const add = async (name: string, text: string): Promise<void> => {
    pages.set(name, await format(text, { ...style, parser: 'markdown' }))
  }
  await add('README.md', index(program, others))
  for (const command of program.commands)
    await add(`${command.name()}.md`, page(`sae ${command.name()}`, command, program))
  for (const other of others) await add(`${other.name()}.md`, page(other.name(), other))
  return pages
}

const written = '<!-- Written by `npm run docs:commands` from the help of the command. Do not edit. -->'

function index(program: Command, others: readonly Command[]): string {
  const row = (title: string, command: Command): string[] => [
    `[\`${title}\`](${command.name()}.md)`,
    firstSentence(command.description()),
  ]
  const rows = [
    ...program.commands.map((command) => row(`sae ${command.name()}`, command)),
    ...others.map((other) => row(other.name(), other)),
  ]
  return [
    written,
    '# The command `sae`',
    program.description(),
    table(['command', 'what it does'], rows),
    '## Options of every command',
    optionTable(program.options),
    ...afterHelp(program),
  ].join('\n\n')
}

/** @param program the program that it is a command of, whose options it takes too */
function page(title: string, command: Command, program?: Command): string {
  const args = command.registeredArguments.map((argument) => [
    `\`${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '...' : ''}${argument.required ? '>' : ']'}\``,
    cell(argument.description),
  ])
  return [
    written,
    `# \`${title}\``,
    command.description(),
    '```\n' + `${title} ${command.usage()}` + '\n```',
    ...(args.length > 0 ? [table(['argument', 'meaning'], args)] : []),
    optionTable(command.options.filter(({ hidden }) => !hidden)),
    ...(program ? [`Like every command, it also takes ${alwaysTaken(program)}.`] : []),
    ...afterHelp(command),
  ].join('\n\n')
}

function alwaysTaken({ options }: Command): string {
  const flags = options.filter(({ long }) => long !== '--version').map(({ flags }) => `\`${flags}\``)
  return `${flags.join(' and ')} ([what they do](README.md#options-of-every-command))`
}

function optionTable(options: readonly Option[]): string {
  return table(
    ['option', 'meaning', 'default'],
    options.map((option) => [`\`${option.flags}\``, meaning(option), cell(defaultOf(option))]),
  )
}

function meaning({ description, argChoices }: Option): string {
  const choices = argChoices?.length ? ` (${argChoices.map((choice) => `\`${choice}\``).join(', ')})` : ''
  return cell(description.replace(/ ?\(default: .*\)$/s, '')) + choices
}

/** Some descriptions say the default in words. */
function defaultOf({ description, defaultValue, defaultValueDescription }: Option): string {
  const inWords = / ?\(default: (.*)\)$/s.exec(description)?.[1]
  if (inWords !== undefined) return inWords
  if (defaultValueDescription !== undefined) return defaultValueDescription
  return defaultValue === undefined || defaultValue === false || Array.isArray(defaultValue)
    ? ''
    : String(defaultValue)
}

/** What the help says after the options: outputs, an example. */
function afterHelp(command: Command): string[] {
  let printed = ''
  command.configureOutput({ writeOut: (text) => (printed += text) })
  command.outputHelp()
  const after = printed.slice(command.helpInformation().length).trim()
  return after === '' ? [] : ['```\n' + after + '\n```']
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}

const cell = (text: string): string =>
  text.replaceAll('|', '\\|').replaceAll('<', '\\<').replaceAll('*', '\\*').replaceAll('_', '\\_')

function firstSentence(text: string): string {
  const [sentence = text] = /^.*?[.:](?=\s|$)/s.exec(text) ?? []
  return cell(sentence.replace(/:$/, '.'))
}
