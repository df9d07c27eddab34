/** What no setting allows: RFC 9113 says how each ends. */
import { test } from 'node:test'
import { settingIds, settingsPayload, uint32Payload } from '#/codec/http2/frame.ts'
import { expectCount, expectService, startHostile } from './hostile-proxy.ts'
import { flags, frameTypes, RawHttp2Client } from './raw-client.ts'

const { endHeaders, endStream } = flags
const whole = endHeaders | endStream

const rules: [name: string, outcome: string, act: (client: RawHttp2Client) => void][] = [
  [
    'a window of the connection that overflows',
    'GOAWAY FLOW_CONTROL_ERROR',
    (client) => client.frame(frameTypes.windowUpdate, 0, 0, uint32Payload(0x7fffffff)),
  ],
  [
    'INITIAL_WINDOW_SIZE beyond 2^31-1',
    'GOAWAY FLOW_CONTROL_ERROR',
    (client) => client.frame(frameTypes.settings, 0, 0, settingsPayload([[settingIds.initialWindowSize, 0x80000000]])),
  ],
  [
    'WINDOW_UPDATE by 0',
    'GOAWAY PROTOCOL_ERROR',
    (client) => client.frame(frameTypes.windowUpdate, 0, 0, uint32Payload(0)),
  ],
  [
    'a frame longer than we allow',
    'GOAWAY FRAME_SIZE_ERROR',
    (client) => client.frame(frameTypes.data, 0, 1, Buffer.alloc(16_385)),
  ],
  [
    'a table of HPACK that is larger than we allow',
    'GOAWAY COMPRESSION_ERROR',
    (client) => client.frame(frameTypes.headers, whole, 1, Buffer.from([0x3f, 0xe2, 0x1f])),
  ],
  [
    'CONTINUATION of nothing',
    'GOAWAY PROTOCOL_ERROR',
    (client) => client.frame(frameTypes.continuation, endHeaders, 1, Buffer.from([0x82])),
  ],
  [
    'a header block that another frame interrupts',
    'GOAWAY PROTOCOL_ERROR',
    (client) => {
      client.ask(1, [], endStream)
      client.frame(frameTypes.ping, 0, 0, Buffer.alloc(8))
    },
  ],
  ['DATA on stream 0', 'GOAWAY PROTOCOL_ERROR', (client) => client.frame(frameTypes.data, 0, 0, Buffer.from('x'))],
  ['DATA on a stream that never was', 'GOAWAY PROTOCOL_ERROR', (client) => client.frame(frameTypes.data, 0, 7)],
  ['a stream of an even number', 'GOAWAY PROTOCOL_ERROR', (client) => client.ask(2)],
  [
    'PUSH_PROMISE of a client',
    'GOAWAY PROTOCOL_ERROR',
    (client) => client.frame(frameTypes.pushPromise, endHeaders, 1, uint32Payload(2)),
  ],
]

test('HTTP/2: rules', async (t) => {
  const { wide } = await startHostile(t)
  for (const [name, outcome, act] of rules) {
    await t.test(`${name} ends the connection by ${outcome}, is counted, and costs no other`, async () => {
      const before = await wide.count('bad_request')
      const client = await RawHttp2Client.open(wide.port)
      act(client)
      await client.expect(outcome)
      await client.expect('closed')
      client.destroy()
      await expectCount(wide, 'bad_request', before)
      await expectService(wide)
    })
  }
})
