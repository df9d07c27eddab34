/** Completion for bash. */
import type { Completes } from '../command.ts'
import { flagsOf, type Place, proxyNames, quote } from './place.ts'

function bashValues(completes: Completes | undefined, choices: readonly string[] | undefined): string {
  if (choices) return `COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$word"))`
  if (completes === 'directory') return 'compopt -o filenames; COMPREPLY=($(compgen -d -- "$word"))'
  if (completes === 'file') return 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$word"))'
  if (completes === 'proxy') return `COMPREPLY=($(compgen -W "$(${proxyNames})" -- "$word"))`
  return ':'
}

export function bashCompletion(places: readonly Place[]): string {
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
