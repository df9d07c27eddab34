/**
 * Our reading of requests against Node's own parser: `node src/codec/http1/http1.fuzz.ts --seconds 60 --seed 1`.
 * We may be stricter than Node, by a rule that is listed here; never laxer, and never read a request otherwise. And how the
 * bytes were cut must not matter to us.
 */
import { METHODS } from 'node:http'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import type { Random } from '#/std/random.ts'
import { pickIndex, seededRandom } from '#/std/random.ts'
import { NodeReader } from './testing/node-reading.ts'
import { readOurs } from './testing/our-reading.ts'
import type { Reading, ReadRequest } from './testing/read-request.ts'
import { RequestGrammar } from './testing/request-grammar.ts'
import { showBytes } from './testing/visible-bytes.ts'

/** What we refuse and Node takes, each with the reason. */
const stricter: readonly { refusal: RegExp; why: string }[] = [
  { refusal: /^unsupported_version/, why: 'Node takes HTTP/2.0 as the version of a request in the form of HTTP/1.1' },
  { refusal: /^unsupported_transfer_coding/, why: 'Node leaves other codings to the application; we have none' },
  { refusal: /Transfer-Encoding is something other/, why: 'Node passes over empty elements of a list' },
  { refusal: /a tab stands in Transfer-Encoding/, why: 'Node strips one in front' },
  { refusal: /Transfer-Encoding stands there twice/, why: 'Node joins several to a list' },
  {
    refusal: /HTTP\/1.0 knows no Transfer-Encoding/,
    why: 'Node takes it; RFC 9112 section 6.1 calls it faulty framing',
  },
  { refusal: /a chunk extension is malformed/, why: 'Node takes an extension without name' },
  { refusal: /a chunk size has more than/, why: 'Node counts no leading zeros' },
  { refusal: /the request line is not METHOD TARGET VERSION/, why: 'Node takes a line of HTTP/0.9' },
  { refusal: /the request line does not end in/, why: 'Node passes over several spaces, and takes lines of HTTP/0.9' },
  { refusal: /a line ends in a bare LF/, why: 'Node passes over LFs before a request, and takes one behind HTTP/0.9' },
  { refusal: /the request line is empty/, why: 'Node passes over any number of empty lines' },
  { refusal: /the method is no token/, why: 'Node passes over CRs before a request' },
  { refusal: /^expectation_failed/, why: 'Node answers 417 above its parser, and goes on' },
  { refusal: /Host (is missing|is empty|stands there twice|is no host name)/, why: 'Node checks it above its parser' },
  { refusal: /no target may hold/, why: 'Node takes fragments and bytes above ASCII' },
  { refusal: /the target is neither a path nor a URL/, why: 'Node takes the asterisk for every method' },
  { refusal: /the URL of the target is not of the scheme http/, why: 'Node hands any scheme on' },
  { refusal: /the authority of the target/, why: 'Node looks for bad characters, not for a host name' },
]

/** What Node refuses and we take, each with the reason why it can't be read in two ways. */
const laxer: readonly { refusal: RegExp; isMeant: (request: ReadRequest, text: string) => boolean; why: string }[] = [
  {
    refusal: /Invalid method encountered|Expected space after method/,
    isMeant: ({ method }) => !METHODS.includes(method),
    why: 'Node knows a list of methods; RFC 9110 section 9.1 has any token',
  },
  {
    refusal: /Transfer-Encoding|Content-Length/,
    isMeant: (_, text) => /\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*(?:transfer-encoding|content-length):/i.test(text),
    why: 'Node checks trailers as if they were the head; we drop those that speak of framing',
  },
]

export interface Finding {
  seed: number
  bytes: string
  what: string
  ours: Reading
  node: Reading
}

function explain(ours: Reading, node: Reading, text: string): string {
  const count = Math.min(ours.requests.length, node.requests.length)
  for (let i = 0; i < count; i++) {
    const difference = differs(ours.requests[i]!, node.requests[i]!)
    if (difference !== '') return `request ${i} is read otherwise: ${difference}`
  }
  if (ours.requests.length > node.requests.length) {
    const request = ours.requests[count]!
    const isListed = laxer.some((rule) => rule.refusal.test(node.refusal) && rule.isMeant(request, text))
    return isListed ? '' : 'Node refuses what we read'
  }
  if (ours.refusal === '' || node.requests.length === ours.requests.length) return ''
  return stricter.some((rule) => rule.refusal.test(ours.refusal)) ? '' : 'we refuse what Node reads, by no listed rule'
}

function differs(ours: ReadRequest, node: ReadRequest): string {
  for (const key of ['method', 'version', 'headers', 'body', 'trailers'] as const) {
    if (!isDeepStrictEqual(ours[key], node[key])) return key
  }
  const isAbsolute = /^http:/i.test(node.target)
  return (isAbsolute ? sameUrl(ours.target, node.target) : ours.target === node.target) ? '' : 'target'
}

function sameUrl(ours: string, node: string): boolean {
  const schemeless = (url: string): string => url.slice(url.indexOf(':')).replace(/^(:\/\/[^/?]+)(?=$|\?)/, '$1/')
  return schemeless(ours) === schemeless(node)
}

/** Cut in a few places. */
function cut(bytes: Buffer, random: Random): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = Math.min(bytes.length, start + 1 + pickIndex(random, random() < 0.5 ? 4 : 40))
    pieces.push(bytes.subarray(start, end))
    start = end
  }
  return pieces
}

const batchSize = 200
/** Turns of the event loop until Node's streams are at rest. */
const turnCount = 12

/** Runs one batch. @returns what nobody can explain. */
async function fuzzBatch(seed: number, reader: NodeReader): Promise<Finding[]> {
  const random = seededRandom(seed)
  const grammar = new RequestGrammar(random)
  const cases = Array.from({ length: batchSize }, () => {
    const bytes = Buffer.from(grammar.next(), 'latin1')
    return { bytes, whole: readOurs([bytes]), pieces: readOurs(cut(bytes, random)), node: reader.read(bytes) }
  })
  for (let turn = 0; turn < turnCount; turn++) await new Promise(setImmediate)
  reader.clear()
  const findings: Finding[] = []
  for (const { bytes, whole, pieces, node } of cases) {
    const what = isDeepStrictEqual(whole, pieces)
      ? explain(whole, node, bytes.toString('latin1'))
      : 'cutting the bytes changes the reading'
    if (what !== '') findings.push({ seed, bytes: showBytes(bytes), what, ours: whole, node })
  }
  return findings
}

/** @returns how many cases ran, and up to 20 findings; stops early then. */
export async function fuzz({
  seconds,
  seed,
}: {
  seconds: number
  seed: number
}): Promise<{ count: number; findings: Finding[] }> {
  const reader = new NodeReader()
  const findings: Finding[] = []
  const endMs = performance.now() + seconds * 1000
  let batch = 0
  while (performance.now() < endMs && findings.length < 20) findings.push(...(await fuzzBatch(seed + batch++, reader)))
  reader.close()
  return { count: batch * batchSize, findings: findings.slice(0, 20) }
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '10' }, seed: { type: 'string' } } })
  const seed = Number(values.seed ?? process.hrtime.bigint() % 1_000_000n)
  const { count, findings } = await fuzz({ seconds: Number(values.seconds), seed })
  for (const finding of findings) console.dir(finding, { depth: 6 })
  console.log(`${count} cases, ${findings.length} findings (--seed ${seed})`)
  if (findings.length > 0) process.exitCode = 1
}

if (import.meta.main) await main()
