/** Header changes of a rule or a backend (Gateway API HTTPHeaderFilter), made in place on a flat list. */
import { type HeaderList, removeHeader, setHeader } from '#/codec/message.ts'
import type { HeaderMutation } from '#/model/route.ts'

/** Flat lists, names lower-case. */
export interface CompiledMutation {
  readonly remove: readonly string[]
  /** Name, value, name, value. */
  readonly set: HeaderList
  readonly add: HeaderList
}

/** @returns undefined when there is nothing to change. */
export function compileMutation(mutation: HeaderMutation | undefined): CompiledMutation | undefined {
  if (!mutation || mutation.remove.length + mutation.set.length + mutation.add.length === 0) return undefined
  return {
    remove: mutation.remove.map((name) => name.toLowerCase()),
    set: mutation.set.flatMap(({ name, value }) => [name.toLowerCase(), value]),
    add: mutation.add.flatMap(({ name, value }) => [name.toLowerCase(), value]),
  }
}

/**
 * Removes, then sets, then adds. A changed `host` is not a header here: framing fields stand in the head, see
 * `mutatedAuthority`.
 */
export function applyMutation(mutation: CompiledMutation, headers: HeaderList): void {
  const { remove, set, add } = mutation
  for (const name of remove) removeHeader(headers, name)
  for (let i = 0; i < set.length; i += 2) if (!isFraming(set[i]!)) setHeader(headers, set[i]!, set[i + 1]!)
  for (let i = 0; i < add.length; i += 2) if (!isFraming(add[i]!)) headers.push(add[i]!, add[i + 1]!)
}

/** The `Host` that a mutation sets for a request, undefined when it sets none. */
export function mutatedAuthority({ set }: CompiledMutation): string | undefined {
  for (let i = 0; i < set.length; i += 2) if (set[i] === 'host' || set[i] === ':authority') return set[i + 1]
  return undefined
}

/** Fields that the codec alone writes: one in the list would be sent twice, which RFC 9112 section 6.3 makes a smuggling risk. */
export const framing: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'upgrade',
  'proxy-connection',
  'expect',
  'host',
])

function isFraming(name: string): boolean {
  return framing.has(name) || name.charCodeAt(0) === 0x3a
}
