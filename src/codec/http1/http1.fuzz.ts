/**
 * Our reading of requests against Node's own parser: `node src/codec/http1/http1.fuzz.ts --seconds 60 --seed 1`.
 * We may be stricter than Node, by a rule that is listed here; never laxer, and never read a request otherwise. And how the
 * bytes were cut must not matter to us.
 */
import { METHODS } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { seededRandom } from '#/std/random.ts'
import type { Finding } from './testing/fuzz-run.ts'
import { casesPerBatch, cutAtRandom, fuzzByCommandLine, letNodeRead } from './testing/fuzz-run.ts'
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
  { refusal: /Content-Length is not a number/, why: 'Node counts up to 2^64, we to 15 digits' },
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
const laxer: readonly {
  refusal: RegExp
  isMeant: (request: ReadRequest | undefined, text: string) => boolean
  why: string
}[] = [
  {
    refusal: /Invalid method encountered|Expected space after method/,
    isMeant: (request) => request === undefined || !METHODS.includes(request.method),
    why: 'Node knows a list of methods; RFC 9110 section 9.1 has any token',
  },
  {
    refusal: /Transfer-Encoding|Content-Length/,
    isMeant: (_, text) => /\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*(?:transfer-encoding|content-length):/i.test(text),
    why: 'Node checks trailers as if they were the head; we drop those that speak of framing',
  },
  {
    refusal: /^$/,
    isMeant: (_, text) => /\nupgrade:/i.test(text) && /\nconnection:[^\n]*upgrade/i.test(text),
    why: 'Node loses what is pipelined behind an upgrade that it declines; it is the next request (RFC 9110 section 7.8)',
  },
]

const asksToClose = /\nconnection:[^\n]*close/i

function explain(ours: Reading, node: Reading, text: string): string {
  const count = Math.min(ours.requests.length, node.requests.length)
  for (let i = 0; i < count; i++) {
    const difference = differs(ours.requests[i]!, node.requests[i]!)
    if (difference !== '') return `request ${i} is read otherwise: ${difference}`
  }
  if (ours.requests.length > node.requests.length || ours.headCount > node.headCount) {
    const request = ours.requests[count]
    const isListed = laxer.some((rule) => rule.refusal.test(node.refusal) && rule.isMeant(request, text))
    return isListed ? '' : 'Node refuses what we read'
  }
  if (ours.requests.length === node.requests.length && ours.headCount === node.headCount) return ''
  // Node goes on where `close` stands beside `keep-alive`; it always ends the connection (RFC 9112 section 9.3).
  if (ours.isClosed && ours.refusal === '') return asksToClose.test(text) ? '' : 'we close where Node reads on'
  if (ours.refusal === '') return 'we wait for more where Node has read a request'
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

/** One batch. @returns what nobody can explain. */
export async function fuzzRequests(seed: number): Promise<Finding[]> {
  const random = seededRandom(seed)
  const grammar = new RequestGrammar(random)
  const reader = new NodeReader()
  const cases = Array.from({ length: casesPerBatch }, () => {
    const bytes = Buffer.from(grammar.next(), 'latin1')
    return { bytes, whole: readOurs([bytes]), pieces: readOurs(cutAtRandom(bytes, random)), node: reader.read(bytes) }
  })
  await letNodeRead()
  reader.close()
  const findings: Finding[] = []
  for (const { bytes, whole, pieces, node } of cases) {
    const what = isDeepStrictEqual(whole, pieces)
      ? explain(whole, node, bytes.toString('latin1'))
      : 'cutting the bytes changes the reading'
    if (what !== '') findings.push({ seed, bytes: showBytes(bytes), what, ours: whole, node })
  }
  return findings
}

if (import.meta.main) await fuzzByCommandLine(fuzzRequests)
