/**
 * Each limit on what a peer controls, by the name of the attack: with a tight setting it is refused by the right status or code
 * and counted, and the next connection is served; with the setting that stands by default the same is none.
 */
import { test } from 'node:test'
import { settingIds, settingsPayload, uint32Payload } from '#/codec/http2/frame.ts'
import { encodeHeaderBlock } from '#/codec/http2/hpack/encoder.ts'
import { expectCount, expectFlags, expectService, startHostile } from './hostile-proxy.ts'
import { flags, frameTypes, RawClient, RawHttp2Client } from './raw-client.ts'

const tightFlags = [
  '--request-line-bytes-max=100',
  '--header-bytes-max=1000',
  '--header-count-max=10',
  '--request-header-timeout-ms=300',
  '--client-stall-ms=300',
  '--client-idle-ms=900',
  '--settings-timeout-ms=300',
  '--chunk-extension-bytes-max=20',
  '--streams-per-client-max=2',
  '--stream-window-bytes=1024',
  '--stream-window-bytes-max=1024',
  '--reset-burst-max=5',
  '--resets-per-second-max=1',
  '--idle-frame-burst-max=10',
  '--idle-frames-per-second-max=1',
  '--continuation-count-max=3',
]

interface Attack<Client> {
  name: string
  /** What becomes of it where the limit is tight. */
  refused: string
  /** Code under which it is counted, or response flags (`SI`) of the request's own record; empty where it is no fault. */
  counted: string
  begin: (client: Client) => void
  /** Where the limit is wide the client goes on, and is answered as `taken` says. */
  finish?: (client: Client) => void
  taken: string
  /** Acknowledges no SETTINGS. */
  isSilent?: boolean
}

const head = 'POST /a HTTP/1.1\r\nhost: echo.shop\r\n'
const many = Array.from({ length: 20 }, (_, i) => `x-${i}: y\r\n`).join('')

const http1: Attack<RawClient>[] = [
  {
    name: 'a request line that is too long',
    refused: '414 request_line_too_long',
    counted: 'request_line_too_long',
    begin: (client) => client.write(`GET /${'a'.repeat(200)} HTTP/1.1\r\nhost: echo.shop\r\n\r\n`),
    taken: '200',
  },
  {
    name: 'too many header bytes',
    refused: '431 request_headers_too_large',
    counted: 'request_headers_too_large',
    begin: (client) => client.write(`${head}x: ${'a'.repeat(2000)}\r\n\r\n`),
    taken: '200',
  },
  {
    name: 'too many header fields',
    refused: '431 request_headers_too_large',
    counted: 'request_headers_too_large',
    begin: (client) => client.write(`${head}${many}\r\n`),
    taken: '200',
  },
  {
    name: 'too many trailers',
    refused: '431 request_headers_too_large',
    counted: 'request_headers_too_large',
    begin: (client) => client.write(`${head}transfer-encoding: chunked\r\n\r\n0\r\n${many}\r\n`),
    taken: '200',
  },
  {
    name: 'chunk extensions that cost more than the chunks',
    refused: '400 bad_request',
    counted: 'bad_request',
    begin: (client) =>
      client.write(`${head}transfer-encoding: chunked\r\n\r\n${'1;a=bcdefgh\r\nx\r\n'.repeat(5)}0\r\n\r\n`),
    taken: '200',
  },
  {
    name: 'a slow header (slowloris)',
    refused: '408 request_header_timeout',
    counted: 'request_header_timeout',
    begin: (client) => client.write('GET / HTTP/1.1\r\nhost: ec'),
    finish: (client) => client.write('ho.shop\r\n\r\n'),
    taken: '200',
  },
  {
    name: 'a preface that is never whole',
    refused: 'closed',
    counted: 'request_header_timeout',
    begin: (client) => client.write('PRI'),
    finish: (client) => client.write('NT / HTTP/1.1\r\nhost: echo.shop\r\n\r\n'),
    taken: '200',
  },
  {
    name: 'a slow body',
    refused: '408 client_stalled',
    counted: 'client_stalled',
    begin: (client) => client.write(`${head}content-length: 5\r\n\r\nhe`),
    finish: (client) => client.write('llo'),
    taken: '200',
  },
  {
    name: 'a slow body in chunks',
    refused: '408 client_stalled',
    counted: 'client_stalled',
    begin: (client) => client.write(`${head}transfer-encoding: chunked\r\n\r\n5\r\nhe`),
    finish: (client) => client.write('llo\r\n0\r\n\r\n'),
    taken: '200',
  },
  {
    name: 'an idle connection',
    refused: 'closed',
    counted: '',
    begin: () => undefined,
    finish: (client) => client.write('GET / HTTP/1.1\r\nhost: echo.shop\r\n\r\n'),
    taken: '200',
  },
]

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
    counted: 'SI',
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
    counted: '',
    begin: () => undefined,
    finish: (client) => client.ask(1),
    taken: 'HEADERS 1 200',
  },
]

type OpenClient<Client> = (port: number, isSilent?: boolean) => Promise<Client>

function runAttacks<Client extends RawClient>(
  version: string,
  attacks: Attack<Client>[],
  open: OpenClient<Client>,
): void {
  test(`${version}: limits`, async (t) => {
    const { tight, wide } = await startHostile(t, tightFlags)
    for (const { name, refused, counted, begin, finish, taken, isSilent } of attacks) {
      await t.test(`${name}: ${refused}, and ${taken} where the limit is wide`, async () => {
        const isFlags = /^[A-Z]*$/.test(counted)
        const before = isFlags ? 0 : await tight.count(counted)
        const [attacker, client] = [await open(tight.port, isSilent), await open(wide.port, isSilent)]
        for (const each of [attacker, client]) begin(each)
        await attacker.expect(refused)
        attacker.destroy()
        if (counted !== '' && isFlags) await expectFlags(tight, counted)
        else if (counted !== '') await expectCount(tight, counted, before)
        await expectService(tight)
        finish?.(client)
        await client.expect(taken)
        client.destroy()
      })
    }
  })
}

runAttacks('HTTP/1.1', http1, RawClient.open.bind(RawClient))
runAttacks('HTTP/2', http2, RawHttp2Client.open.bind(RawHttp2Client))
