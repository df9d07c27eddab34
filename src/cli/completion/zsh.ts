/** Completion for zsh. */
import type { Completes } from '../command.ts'
import { type Place, proxyNames, quote } from './place.ts'

function zshValues(completes: Completes | undefined, choices: readonly string[] | undefined): string {
  if (choices) return `compadd -- ${choices.join(' ')}`
  if (completes === 'directory') return '_files -/'
  if (completes === 'file') return '_files'
  if (completes === 'proxy') return `compadd -- \${(f)"$(${proxyNames})"}`
  return ':'
}

export function zshCompletion(places: readonly Place[]): string {
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
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _weft ]; then _weft "$@"; else compdef _weft weft; fi
`
}
