/** Completion for fish. */
import type { Completes } from '../command.ts'
import { type Place, proxyNames, quote } from './place.ts'

export function fishCompletion(places: readonly Place[]): string {
  const lines = ['# fish completion of weft, made by `weft completion fish`', 'complete -c weft -f']
  for (const {
    words,
    next,
    options,
    arguments: [first],
  } of places) {
    const seen = words.split(' ').filter(Boolean)
    const within = seen.map((word) => `__fish_seen_subcommand_from ${word}`)
    const none = next.length > 0 ? [`not __fish_seen_subcommand_from ${next.map(({ word }) => word).join(' ')}`] : []
    const condition = [...within, ...none].join('; and ')
    const start = `complete -c weft${condition ? ` -n ${quote(condition)}` : ''}`
    for (const { word, summary } of next) lines.push(`${start} -a ${word} -d ${quote(summary)}`)
    if (first) lines.push(`${start}${fishValues(first.completes, first.choices)}`)
    for (const { name, short, value, completes, choices, summary } of options) {
      const flags = `-l ${name}${short ? ` -s ${short}` : ''}`
      lines.push(
        `${start} ${flags} -d ${quote(summary)}${value ? ` ${completes === 'file' ? '-r' : '-x'}${fishValues(completes, choices)}` : ''}`,
      )
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
