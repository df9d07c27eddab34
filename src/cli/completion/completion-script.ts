/** Completion scripts for shells, made from the table of commands. */
import type { ArgumentRow, Command, Completes, OptionRow } from '../command.ts'

/** What may come after some words. */
interface Place {
  /** `proxy config` */
  words: string
  /** Words that may come next, with what they mean. */
  next: { word: string; summary: string }[]
  options: readonly OptionRow[]
  arguments: readonly ArgumentRow[]
}

const globalOptions: OptionRow[] = [{ name: 'help', short: 'h', summary: 'show help' }]

export function placesOf(commands: readonly Command[]): Place[] {
  const places = new Map<string, Place>()
  const placeAt = (words: string): Place => {
    const place = places.get(words) ?? { words, next: [], options: globalOptions, arguments: [] }
    places.set(words, place)
    return place
  }
  placeAt('')
  for (const { name, summary, options, arguments: own } of commands) {
    const words = name.split(' ')
    words.forEach((word, i) => {
      const parent = placeAt(words.slice(0, i).join(' '))
      const isLast = i === words.length - 1
      if (parent.next.some((one) => one.word === word)) return
      parent.next.push({ word, summary: isLast ? summary : `${word} …` })
    })
    const place = placeAt(name)
    place.options = [...options, ...globalOptions]
    place.arguments = own
  }
  return [...places.values()]
}

const flagsOf = (options: readonly OptionRow[]): string[] =>
  options.flatMap(({ name, short }) => [`--${name}`, ...(short ? [`-${short}`] : [])])

/** Single quotes, as POSIX shells read them. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** Names of workloads that have a proxy, asked of the control plane; silent when there is none. */
const proxyNames = `weft proxy status -o json 2>/dev/null | sed -n 's/^ *"workload": "\\(.*\\)",*$/\\1/p' | sort -u`

function bashValues(completes: Completes | undefined, choices: readonly string[] | undefined): string {
  if (choices) return `COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$word"))`
  if (completes === 'directory') return 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$word"))'
  if (completes === 'file') return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$word"))'
  if (completes === 'proxy') return `COMPREPLY=($(compgen -W "$(${proxyNames})" -- "$word"))`
  return ':'
}

function bash(commands: readonly Command[]): string {
  const places = placesOf(commands)
  const cases = places.map(({ words, next, options, arguments: [first] }) => {
    const valued = options.filter(({ value }) => value)
    const optionCases = valued.map(
      ({ name, short, completes, choices }) =>
        `        --${name}${short ? `|-${short}` : ''}) ${bashValues(completes, choices)}; return ;;`,
    )
    const offered = next.length > 0 ? next.map(({ word }) => word).join(' ') : ''
    const others = offered
      ? `COMPREPLY=($(compgen -W ${quote(offered)} -- "$word"))`
      : bashValues(first?.completes, first?.choices)
    return `    ${quote(words)})
      case $before in
${optionCases.join('\n') || '        --) ;;'}
      esac
      case $word in
        -*) COMPREPLY=($(compgen -W ${quote(flagsOf(options).join(' '))} -- "$word")) ;;
        *) ${others} ;;
      esac ;;`
  })
  return `# bash completion of weft, made by \`weft completion bash\`
_weft() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} place='' i one
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    one=\${place:+$place }\${COMP_WORDS[i]}
    case $one in ${places
      .filter(({ words }) => words)
      .map(({ words }) => quote(words))
      .join('|')}) place=$one ;; esac
  done
  case $place in
${cases.join('\n')}
  esac
}
complete -F _weft weft
`
}

function zshValues(completes: Completes | undefined, choices: readonly string[] | undefined): string {
  if (choices) return `compadd -- ${choices.join(' ')}`
  if (completes === 'directory') return '_files -/'
  if (completes === 'file') return '_files'
  if (completes === 'proxy') return `compadd -- \${(f)"$(${proxyNames})"}`
  return ':'
}

function zsh(commands: readonly Command[]): string {
  const places = placesOf(commands)
  const described = (pairs: [string, string][]): string =>
    pairs.map(([word, summary]) => quote(`${word.replaceAll(':', '\\:')}:${summary.replaceAll('`', '')}`)).join(' ')
  const cases = places.map(({ words, next, options, arguments: [first] }) => {
    const optionCases = options
      .filter(({ value }) => value)
      .map(
        ({ name, short, completes, choices }) =>
          `        --${name}${short ? `|-${short}` : ''}) ${zshValues(completes, choices)}; return ;;`,
      )
    const flags = options.flatMap(({ name, short, summary }): [string, string][] => [
      [`--${name}`, summary],
      ...(short ? ([[`-${short}`, summary]] as [string, string][]) : []),
    ])
    const others =
      next.length > 0
        ? `offered=(${described(next.map(({ word, summary }) => [word, summary]))}); _describe command offered`
        : zshValues(first?.completes, first?.choices)
    return `    ${quote(words)})
      case $before in
${optionCases.join('\n') || '        --) ;;'}
      esac
      case $word in
        -*) offered=(${described(flags)}); _describe option offered ;;
        *) ${others} ;;
      esac ;;`
  })
  return `#compdef weft
# zsh completion of weft, made by \`weft completion zsh\`
_weft() {
  local word=\${words[CURRENT]} before=\${words[CURRENT-1]} place='' one
  local -a offered
  for one in "\${(@)words[2,CURRENT-1]}"; do
    one=\${place:+$place }$one
    case $one in (${places
      .filter(({ words }) => words)
      .map(({ words }) => quote(words))
      .join('|')}) place=$one ;; esac
  done
  case $place in
${cases.join('\n').replaceAll(/^ {4}'/gm, "    ('")}
  esac
}
if [ "$funcstack[1]" = _weft ]; then _weft "$@"; else compdef _weft weft; fi
`
}

function fish(commands: readonly Command[]): string {
  const lines = ['# fish completion of weft, made by `weft completion fish`', 'complete -c weft -f']
  for (const {
    words,
    next,
    options,
    arguments: [first],
  } of placesOf(commands)) {
    const seen = words.split(' ').filter(Boolean)
    const within = seen.map((word) => `__fish_seen_subcommand_from ${word}`)
    const none = next.length > 0 ? [`not __fish_seen_subcommand_from ${next.map(({ word }) => word).join(' ')}`] : []
    const condition = [...within, ...none].join('; and ')
    const start = `complete -c weft${condition ? ` -n ${quote(condition)}` : ''}`
    for (const { word, summary } of next) lines.push(`${start} -a ${word} -d ${quote(summary)}`)
    if (first) lines.push(`${start}${fishValues(first.completes, first.choices)}`)
    for (const { name, short, value, completes, choices, summary } of options) {
      const flags = `-l ${name}${short ? ` -s ${short}` : ''}`
      lines.push(`${start} ${flags} -d ${quote(summary)}${value ? ` -r${fishValues(completes, choices)}` : ''}`)
    }
  }
  return `${lines.join('\n')}\n`
}

function fishValues(completes: Completes | undefined, choices: readonly string[] | undefined): string {
  if (choices) return ` -a ${quote(choices.join(' '))}`
  if (completes === 'directory') return " -a '(__fish_complete_directories)'"
  if (completes === 'file') return ' -F'
  if (completes === 'proxy') return ` -a ${quote(`(${proxyNames})`)}`
  return ''
}

export const completionScripts = { bash, zsh, fish } as const
