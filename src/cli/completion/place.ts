/** What may be typed where, from the table of commands: what completion scripts of all shells are made of. */
import type { ArgumentRow, Command, OptionRow } from '../command.ts'

/** What may come after some words. */
export interface Place {
  /** `proxy config` */
  words: string
  /** Words that may come next, with what they mean. */
  next: { word: string; summary: string }[]
  options: readonly OptionRow[]
  arguments: readonly ArgumentRow[]
}

const globalOptions: OptionRow[] = [{ name: 'help', short: 'h', summary: 'show help' }]

export function placesOf(commands: readonly Command[], groups: Readonly<Record<string, string>>): Place[] {
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
      parent.next.push({ word, summary: isLast ? summary : (groups[word] ?? word) })
    })
    const place = placeAt(name)
    place.options = [...options, ...globalOptions]
    place.arguments = own
  }
  return [...places.values()]
}

export const flagsOf = (options: readonly OptionRow[]): string[] =>
  options.flatMap(({ name, short }) => [`--${name}`, ...(short ? [`-${short}`] : [])])

/** Single quotes, as POSIX shells read them. */
export const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`

/** A shell command that prints workloads with a proxy, asked of the control plane; silent when there is none. */
export const proxyNames = `weft proxy status -o json 2>/dev/null | sed -n 's/^ *"workload": "\\(.*\\)",*$/\\1/p' | sort -u`
