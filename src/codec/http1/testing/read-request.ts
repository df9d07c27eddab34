/** A request as some reader understood it, in terms that two readers share. */

export interface ReadRequest {
  method: string
  /** As the reader tells it. */
  target: string
  version: string
  /** Without what framing or a hop may take out. */
  headers: string[]
  body: string
  trailers: string[]
}

/** What a reader made of a connection's bytes. */
export interface Reading {
  /** Requests read to their end. */
  requests: ReadRequest[]
  /** How many heads were taken: of those requests, and of one whose body has not come to its end. */
  headCount: number
  /** Why reading stopped; empty when it did not. */
  refusal: string
  /** Whether the reader has said that it takes no more. */
  isClosed: boolean
}

/** Fields that our codec reads into the head, or drops as of this hop. */
const takenOut = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'http2-settings',
])

/** Drops fields of this hop from another reader's list of names and values. */
export function withoutHop(raw: readonly string[], alsoDropped: ReadonlySet<string> = new Set()): string[] {
  const named = new Set<string>()
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== 'connection') continue
    for (const name of raw[i + 1]!.split(',')) named.add(name.replace(/^[ \t]+|[ \t]+$/g, '').toLowerCase())
  }
  for (const option of ['close', 'keep-alive', 'upgrade']) named.delete(option)
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase()
    if (!takenOut.has(name) && !named.has(name) && !alsoDropped.has(name)) kept.push(name, raw[i + 1]!)
  }
  return kept
}
