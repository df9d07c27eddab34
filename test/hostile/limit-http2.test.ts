/** As in `limit-http1.test.ts`, for HTTP/2: refused by the right status or error code. */
import { settingIds, settingsPayload, uint32Payload } from '#/codec/http2/frame.ts'
import { encodeHeaderBlock } from '#/codec/http2/hpack/encoder.ts'
import { type Attack, runAttacks } from './attack.ts'
import { flags, frameTypes, RawHttp2Client } from './raw-client.ts'

const { endHeaders, endStream } = flags
const whole = endHeaders | endStream
const calm = 'GOAWAY ENHANCE_YOUR_CALM'

function repeat(count: number, act: (i: number) => void): void {
  for (let i = 0; i < count; i++) act(i)
}

const idleFrames: [name: string, send: (client: RawHttp2Client) => void][] = [
  ['PING', (client) => client.frame(frameTypes.ping, 0, 0, Buffer.alloc(8))],
  ['SETTINGS', (client) => client.frame(frameTypes.settings, 0, 0, settingsPayload([[settingIds.enablePush, 0]]))],
  ['PRIORITY', (client) => client.frame(frameTypes.priority, 0, 1, Buffer.alloc(5))],
  ['empty DATA', (client) => client.frame(frameTypes.data, 0, 1)],
  ['tiny WINDOW_UPDATE', (client) => client.frame(frameTypes.windowUpdate, 0, 0, uint32Payload(1))],
  ['frames of unknown types', (client) => client.frame(0xfa, 0, 0, Buffer.alloc(1))],
]

/** An entry of 300 bytes, and three references to it of a byte each (RFC 7541 section 6.1: index 62 is the newest). */
function hpackBomb(): Buffer {
  const target = encodeHeaderBlock([':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'echo.shop'])
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xad, 0x01]), Buffer.alloc(300, 'a')])
  return Buffer.concat([target, entry, Buffer.alloc(3, 0xbe)])
}

const http2: Attack<RawHttp2Client>[] = [
  {
    name: 'a path that is too long',
    refused: 'HEADERS 1 414',
    counted: 'request_line_too_long',
    begin: (client) => {
      const list = [':method', 'GET', ':scheme', 'http', ':path', `/${'a'.repeat(200)}`, ':authority', 'echo.shop']
      client.frame(frameTypes.headers, whole, 1, encodeHeaderBlock(list))
    },
    taken: 'HEADERS 1 200',
  },
  {
    name: 'too many header bytes',
    refused: 'HEADERS 1 431',
    counted: 'request_headers_too_large',
    begin: (client) => client.ask(1, ['x', 'a'.repeat(2000)]),
    taken: 'HEADERS 1 200',
  },
  {
    name: 'too many header fields',
    refused: 'HEADERS 1 431',
    counted: 'request_headers_too_large',
    begin: (client) => client.ask(1, Array.from({ length: 12 }, (_, i) => [`x-${i}`, '']).flat()),
    taken: 'HEADERS 1 200',
  },
  {
    name: 'an HPACK bomb',
    refused: 'HEADERS 1 431',
    counted: 'request_headers_too_large',
    begin: (client) => client.frame(frameTypes.headers, whole, 1, hpackBomb()),
    taken: 'HEADERS 1 200',
  },
  {
    name: 'more streams than were allowed',
    refused: 'RST_STREAM 5 REFUSED_STREAM',
    counted: 'too_many_streams',
    begin: (client) => repeat(3, (i) => client.ask(2 * i + 1, [], endHeaders)),
    finish: (client) => client.frame(frameTypes.data, endStream, 5),
    taken: 'HEADERS 5 200',
  },
  {
    name: 'rapid reset (CVE-2023-44487)',
    refused: calm,
    counted: 'client_flood',
    begin: (client) =>
      repeat(30, (i) => {
        client.ask(2 * i + 1, [], endHeaders)
        client.frame(frameTypes.rstStream, 0, 2 * i + 1, uint32Payload(8))
      }),
    finish: (client) => client.ask(101),
    taken: 'HEADERS 101 200',
  },
  {
    name: 'resets that the client makes us send (MadeYouReset, CVE-2025-8671)',
    refused: calm,
    counted: 'client_flood',
    begin: (client) =>
      repeat(30, (i) => {
        client.ask(2 * i + 1, [], endHeaders)
        client.frame(frameTypes.windowUpdate, 0, 2 * i + 1, uint32Payload(0x7fffffff))
      }),
    finish: (client) => client.ask(101),
    taken: 'HEADERS 101 200',
  },
  {
    name: 'a CONTINUATION flood (CVE-2024-27316)',
    refused: calm,
    counted: 'client_flood',
    begin: (client) => {
      client.ask(1, [], endStream)
      repeat(5, () => client.frame(frameTypes.continuation, 0, 1))
    },
    finish: (client) => client.frame(frameTypes.continuation, endHeaders, 1),
    taken: 'HEADERS 1 200',
  },
  ...idleFrames.map(
    ([name, send]): Attack<RawHttp2Client> => ({
      name: `a flood of ${name}`,
      refused: calm,
      counted: 'client_flood',
      begin: (client) => {
        client.ask(1, [], endHeaders)
        repeat(60, () => send(client))
      },
      finish: (client) => client.frame(frameTypes.data, endStream, 1),
      taken: 'HEADERS 1 200',
    }),
  ),
  {
    name: 'more DATA than the window',
    refused: 'RST_STREAM 1 FLOW_CONTROL_ERROR',
    counted: 'DPE',
    begin: (client) => {
      client.ask(1, [], endHeaders)
      client.frame(frameTypes.data, endStream, 1, Buffer.alloc(5000))
    },
    taken: 'HEADERS 1 200',
  },
  {
    name: 'a window that never opens (CVE-2019-9517)',
    refused: 'RST_STREAM 1 CANCEL',
    counted: 'client_stalled',
    begin: (client) => {
      client.frame(frameTypes.settings, 0, 0, settingsPayload([[settingIds.initialWindowSize, 0]]))
      client.ask(1)
    },
    finish: (client) => client.frame(frameTypes.windowUpdate, 0, 1, uint32Payload(1000)),
    taken: 'HEADERS 1 200',
  },
  {
    name: 'a slow header block',
    refused: calm,
    counted: 'request_header_timeout',
    begin: (client) => client.ask(1, [], endStream),
    finish: (client) => client.frame(frameTypes.continuation, endHeaders, 1),
    taken: 'HEADERS 1 200',
  },
  {
    name: 'a slow body',
    refused: 'RST_STREAM 1 CANCEL',
    counted: 'client_stalled',
    begin: (client) => {
      client.ask(1, ['content-length', '5'], endHeaders)
      client.frame(frameTypes.data, 0, 1, Buffer.from('he'))
    },
    finish: (client) => client.frame(frameTypes.data, endStream, 1, Buffer.from('llo')),
    taken: 'HEADERS 1 200',
  },
  {
    name: 'SETTINGS that are never acknowledged',
    refused: 'GOAWAY SETTINGS_TIMEOUT',
    counted: 'client_stalled',
    begin: () => undefined,
    finish: (client) => client.ask(1),
    taken: 'HEADERS 1 200',
    isSilent: true,
  },
  {
    name: 'an idle connection',
    refused: 'GOAWAY NO_ERROR',
    counted: 'idle',
    begin: () => undefined,
    finish: (client) => client.ask(1),
    taken: 'HEADERS 1 200',
  },
]

runAttacks('HTTP/2', http2, RawHttp2Client.open.bind(RawHttp2Client))
