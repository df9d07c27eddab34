/**
 * Frames that a person can read and write, one a line:
 *
 *   HEADERS 1 END_STREAM END_HEADERS      then its fields, a line each, indented: `name: value`
 *   REQUEST 1 END_STREAM                  END_HEADERS and the pseudo-fields of `GET /` stand there already
 *   ANSWER 1                              the same with `:status: 200`
 *   CONTINUATION 1 END_HEADERS            with fields, as HEADERS
 *   DATA 1 END_STREAM hello               PADDED(3) pads HEADERS and DATA
 *   RST_STREAM 1 CANCEL                   GOAWAY 1 NO_ERROR (the last stream)
 *   SETTINGS INITIAL_WINDOW_SIZE=10       SETTINGS ACK
 *   WINDOW_UPDATE 0 100                   PRIORITY 1, PING 8 letters, PING ACK 8 letters
 *   FRAME 250 1 5 text                    a type, flags in hexadecimal, a stream, a payload
 *   RAW 00 01 0a                          bytes
 */
import { readVisible } from '../../http1/testing/visible-bytes.ts'
import { errorCodes, flags, frameTypes, settingIds, settingsPayload, uint32Payload, writeFrame } from '../frame.ts'

const requestStart = [':method: GET', ':scheme: http', ':path: /', ':authority: a']

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())
}

function numberOf(name: string, numbers: Readonly<Record<string, number>>): number {
  const number = numbers[camelCase(name)] ?? Number(name)
  if (Number.isNaN(number)) throw new Error(`${name} is neither a name nor a number`)
  return number
}

/** A string of HPACK without Huffman, of up to 16,510 bytes. */
function literal(text: string): Buffer {
  const bytes = readVisible(text)
  const { length } = bytes
  const prefix = length < 127 ? [length] : [127, ((length - 127) & 127) | 128, (length - 127) >> 7]
  return Buffer.concat([Buffer.from(prefix), bytes])
}

/** As they stand there, also what nobody may send. */
function block(fields: readonly string[]): Buffer {
  const parts = fields.flatMap((field) => {
    const colon = field.indexOf(':', 1)
    if (colon < 0) throw new Error(`no field: ${field}`)
    return [Buffer.of(0), literal(field.slice(0, colon)), literal(field.slice(colon + 1).replace(/^ /, ''))]
  })
  return Buffer.concat(parts)
}

/** @throws Error for what is no frame. */
export function readFrames(text: string): Buffer {
  const lines = text.split('\n').filter((line) => line !== '')
  const frames: Buffer[] = []
  for (let i = 0; i < lines.length; ) {
    const words = lines[i++]!.split(' ')
    const fields: string[] = []
    while (lines[i]?.startsWith('  ')) fields.push(lines[i++]!.slice(2))
    frames.push(readFrame(words, fields))
  }
  return Buffer.concat(frames)
}

interface Words {
  bits: number
  padding: number
  rest: string[]
}

function readFlags(words: readonly string[]): Words {
  let bits = 0
  let padding = -1
  const rest = words.filter((word) => {
    if (word === 'END_STREAM') bits |= flags.endStream
    else if (word === 'END_HEADERS') bits |= flags.endHeaders
    else if (word === 'ACK') bits |= flags.ack
    else if (word.startsWith('PADDED(')) padding = Number.parseInt(word.slice(7), 10)
    else return true
    return false
  })
  return { bits, padding, rest }
}

function padded({ bits, padding }: Words, payload: Buffer): [number, Buffer] {
  if (padding < 0) return [bits, payload]
  return [bits | flags.padded, Buffer.concat([Buffer.of(padding), payload, Buffer.alloc(padding)])]
}

function readFrame([name, ...args]: readonly string[], fields: readonly string[]): Buffer {
  const words = readFlags(args)
  const { bits, rest } = words
  const id = Number(rest[0])
  const frame = (type: number, [frameFlags, payload]: [number, Uint8Array]): Buffer =>
    writeFrame(type, frameFlags, id, payload)
  switch (name) {
    case 'HEADERS':
      return frame(frameTypes.headers, padded(words, block(fields)))
    case 'REQUEST':
    case 'ANSWER': {
      const start = name === 'REQUEST' ? requestStart : [':status: 200']
      const own = new Set(fields.map((field) => field.slice(0, field.indexOf(':', 1))))
      const all = [...start.filter((field) => !own.has(field.slice(0, field.indexOf(':', 1)))), ...fields]
      return frame(frameTypes.headers, padded({ ...words, bits: bits | flags.endHeaders }, block(all)))
    }
    case 'CONTINUATION':
      return frame(frameTypes.continuation, [bits, block(fields)])
    case 'DATA':
      return frame(frameTypes.data, padded(words, readVisible(rest.slice(1).join(' '))))
    case 'RST_STREAM':
      return frame(frameTypes.rstStream, [0, uint32Payload(numberOf(rest[1]!, errorCodes))])
    case 'PRIORITY':
      return frame(frameTypes.priority, [0, Buffer.alloc(5)])
    case 'WINDOW_UPDATE':
      return frame(frameTypes.windowUpdate, [0, uint32Payload(Number(rest[1]))])
    case 'FRAME':
      return writeFrame(
        Number(rest[0]),
        Number.parseInt(rest[1]!, 16),
        Number(rest[2]),
        readVisible(rest.slice(3).join(' ')),
      )
    case 'RAW':
      return Buffer.from(rest.join(''), 'hex')
    default:
      return connectionFrame(name, bits, rest)
  }
}

function connectionFrame(name: string | undefined, bits: number, rest: readonly string[]): Buffer {
  switch (name) {
    case 'SETTINGS': {
      const settings = rest.map((word): [number, number] => {
        const [id, value] = word.split('=')
        return [numberOf(id!, settingIds), Number(value)]
      })
      return writeFrame(frameTypes.settings, bits, 0, settingsPayload(settings))
    }
    case 'PING':
      return writeFrame(frameTypes.ping, bits, 0, Buffer.from(rest[0]!))
    case 'GOAWAY': {
      const payload = Buffer.concat([uint32Payload(Number(rest[0])), uint32Payload(numberOf(rest[1]!, errorCodes))])
      return writeFrame(frameTypes.goaway, bits, 0, payload)
    }
    default:
      throw new Error(`no frame: ${name}`)
  }
}
