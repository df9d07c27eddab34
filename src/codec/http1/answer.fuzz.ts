/**
 * Our reading of answers against Node's own client: `node src/codec/http1/answer.fuzz.ts --seconds 60 --seed 1`. We may be
 * stricter than Node, by a rule that is listed here; never laxer, never read an answer otherwise, and never send the next request
 * where Node would not. And how the bytes were cut must not matter to us.
 */
import { isDeepStrictEqual } from 'node:util'
import { seededRandom } from '#/std/random.ts'
import { AnswerGrammar, type GrownAnswer } from './testing/answer-grammar.ts'
import type { Finding } from './testing/fuzz-run.ts'
import { casesPerBatch, cutAtRandom, fuzzByCommandLine, letNodeRead } from './testing/fuzz-run.ts'
import { NodeAnswerReader } from './testing/node-answer-reading.ts'
import { readOurAnswer } from './testing/our-answer-reading.ts'
import type { ReadAnswer } from './testing/read-answer.ts'
import { showBytes } from './testing/visible-bytes.ts'

/** What we refuse and Node takes, each with the reason. */
const stricter: readonly { refusal: RegExp; why: string }[] = [
  {
    refusal: /HTTP\/1.0 knows no Transfer-Encoding/,
    why: 'Node reads up to the end; RFC 9112 section 6.1 calls it faulty',
  },
  { refusal: /Transfer-Encoding is something other/, why: 'Node reads up to the end, whatever stands there' },
  { refusal: /Transfer-Encoding stands there twice/, why: 'Node joins several to a list' },
  { refusal: /Transfer-Encoding names a coding/, why: 'Node leaves other codings to the application; we have none' },
  { refusal: /a tab stands in Transfer-Encoding/, why: 'Node takes it for blank' },
  { refusal: /the status line is not HTTP\/1.1 STATUS/, why: 'Node takes any three digits, more spaces and tabs' },
  { refusal: /the status line holds a control/, why: 'Node takes any byte but CR and LF in a reason' },
  { refusal: /the status line does not begin with/, why: 'Node takes HTTP/2.0 and 0.9, and CRs and LFs in front' },
  { refusal: /a line ends in a bare LF/, why: 'Node passes over LFs before an answer' },
  { refusal: /101 answers a request that asked for no/, why: 'Node hands it on as an answer' },
  {
    refusal: /Host is no host name/,
    why: 'Node looks at no Host of an answer; an endpoint that sends a broken one is odd',
  },
  { refusal: /Content-Length is not a number/, why: 'Node counts up to 2^64, we to 15 digits' },
  { refusal: /a chunk extension is malformed/, why: 'Node takes an extension without name' },
  { refusal: /a chunk size has more than/, why: 'Node counts no leading zeros' },
]

/** What Node refuses and we take, each with the reason why it can't be read in two ways. */
const laxer: readonly { refusal: RegExp; isMeant: (text: string, ours: ReadAnswer) => boolean; why: string }[] = [
  {
    refusal: /Invalid HTTP version/,
    isMeant: (text) => /^HTTP\/1\.[2-9] /m.test(text),
    why: 'a later minor version is read as 1.1 (RFC 9110 section 2.5)',
  },
  {
    refusal: /Data after `Connection: close`/,
    isMeant: (text, ours) => /^HTTP\/1\.[01] 1\d\d/.test(text) && !ours.isReusable,
    why: 'an interim answer that closes, or is of HTTP/1.0, has the final one behind it still; then we close too',
  },
  {
    refusal: /Transfer-Encoding|Content-Length/,
    isMeant: (text) => /\n0[^\r\n]*\r\n(?:[^\r\n]+\r\n)*(?:transfer-encoding|content-length):/i.test(text),
    why: 'Node checks trailers as if they were the head; we drop those that speak of framing',
  },
]

function explain(ours: ReadAnswer, node: ReadAnswer, { method, text }: GrownAnswer): string {
  if (node.refusal !== '' && laxer.some(({ refusal, isMeant }) => refusal.test(node.refusal) && isMeant(text, ours)))
    return ''
  // Node counts a missing length even where the method says that there is no body (RFC 9112 section 6.3).
  const isLengthless = method === 'HEAD' && isDeepStrictEqual({ ...ours, isReusable: false }, node)
  if (ours.isReusable && !node.isReusable && !isLengthless) return 'we would send another request where Node would not'
  if (ours.isWhole && !node.isWhole) return 'an answer is whole to us that is not to Node'
  if (ours.refusal !== '') {
    if (node.refusal !== '') return ''
    return stricter.some(({ refusal }) => refusal.test(ours.refusal))
      ? ''
      : 'we refuse what Node reads, by no listed rule'
  }
  for (const key of ['interim', 'status', 'headers', 'body', 'trailers', 'isWhole'] as const) {
    if (!isDeepStrictEqual(ours[key], node[key])) return `read otherwise: ${key}`
  }
  return ''
}

/** One batch. @returns what nobody can explain. */
export async function fuzzAnswers(seed: number): Promise<Finding[]> {
  const random = seededRandom(seed)
  const grammar = new AnswerGrammar(random)
  const reader = new NodeAnswerReader()
  const cases = Array.from({ length: casesPerBatch }, () => {
    const grown = grammar.next()
    const { method, text, isEnded } = grown
    const bytes = Buffer.from(text, 'latin1')
    const whole = readOurAnswer([bytes], method, isEnded)
    const pieces = readOurAnswer(cutAtRandom(bytes, random), method, isEnded)
    return { grown, bytes, whole, pieces, node: reader.read(bytes, method, isEnded) }
  })
  await letNodeRead()
  const findings: Finding[] = []
  for (const { grown, bytes, whole, pieces, node } of cases) {
    const isSame = isDeepStrictEqual(whole, pieces)
    const what = isSame ? explain(whole, node, grown) : 'cutting the bytes changes the reading'
    if (what === '') continue
    const told = `${grown.method}: ${showBytes(bytes)}${grown.isEnded ? ' END' : ''}`
    findings.push({ seed, bytes: told, what, ours: isSame ? whole : { whole, pieces }, node: structuredClone(node) })
  }
  // Not before: a reader that is cut off takes it for one more fault.
  reader.close()
  return findings
}

if (import.meta.main) await fuzzByCommandLine(fuzzAnswers)
