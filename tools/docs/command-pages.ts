/** One Markdown page per command of `sae`, made from its help. */
import type { Command, Option } from 'commander'
import { format, resolveConfig } from 'prettier'

/** Page texts by file name, formatted as the repository is. */
export async function commandPages(program: Command): Promise<Map<string, string>> {
  const style = await resolveConfig('docs/commands/page.md')
  const pages = new Map<string, string>()
  const add = async (name: string, text: string): Promise<void> => {
    pages.set(name, await format(text, { ...style, parser: 'markdown' }))
  }
  await add('README.md', index(program))
  for (const command of program.commands) await add(`${command.name()}.md`, page(command, program))
  return pages
}

const written = '<!-- Written by `npm run docs:commands` from the help of the command. Do not edit. -->'

function index(program: Command): string {
  const rows = program.commands.map((command) => [
    `[\`sae ${command.name()}\`](${command.name()}.md)`,
    firstSentence(command.description()),
  ])
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

function page(command: Command, program: Command): string {
  const args = command.registeredArguments.map((argument) => [
    `\`${argument.required ? '<' : '['}${argument.name()}${argument.variadic ? '...' : ''}${argument.required ? '>' : ']'}\``,
    cell(argument.description),
  ])
  return [
    written,
    `# \`sae ${command.name()}\``,
    command.description(),
    '```\n' + `sae ${command.name()} ${command.usage()}` + '\n```',
    ...(args.length > 0 ? [table(['argument', 'meaning'], args)] : []),
    optionTable(command.options.filter(({ hidden }) => !hidden)),
    `Like every command, it also takes ${program.options
      .filter(({ long }) => long !== '--version')
      .map(({ flags }) => `\`${flags}\``)
      .join(' and ')} ([what they do](README.md#options-of-every-command)).`,
    ...afterHelp(command),
  ].join('\n\n')
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
