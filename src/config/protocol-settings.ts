/** Settings of the sidecar that bound what a peer may make it hold, do or wait for in HTTP, and its memory as a whole. */
import type { SettingTable } from './setting.ts'

const hourMs = 3_600_000
const mebibyte = 1024 ** 2
const windowBytesMax = 0x7fffffff

export const protocolSettings = {
  requestLineBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 64,
    max: 1_048_576,
    default: 8192,
    reason: 'Longest request line, and longest path of HTTP/2; RFC 9112 section 3 asks for 8000 at least.',
  },
  headerBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 256,
    max: 1_048_576,
    default: 65_536,
    reason: 'All header bytes of a message; Envoy allows 60 KiB.',
  },
  headerCountMax: {
    type: 'integer',
    unit: 'fields',
    min: 10,
    max: 10_000,
    default: 200,
    reason: 'Header fields of a message; Envoy allows 100, browsers behind proxies come close.',
  },
  requestHeaderTimeoutMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: hourMs,
    default: 10_000,
    reason: 'A client may take this long for the head of a request; slower ones only hold connections.',
  },
  clientIdleMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: 24 * hourMs,
    default: 3_600_000,
    reason:
      'A connection of a client without a request is closed after this time. Long, as Envoy has it: other sidecars and applications close theirs first, so that no request meets a closing connection.',
  },
  clientStallMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: 24 * hourMs,
    default: 60_000,
    reason:
      'A client, or an endpoint, that owes a body or has one to take and moves no byte of it for this time is cut off. Where the length of a body is not known it may be silent: streams of gRPC are.',
  },
  lingerMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: hourMs,
    default: 1000,
    reason: 'A peer may take this long to read a last answer before its connection is cut (RFC 9112 section 9.6).',
  },
  chunkExtensionBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 0,
    max: mebibyte,
    default: 16_384,
    reason: 'Chunk extensions of a whole body, which cost far more than they carry; Node allows as much.',
  },
  pipelinedBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 1024,
    max: 64 * mebibyte,
    default: 65_536,
    reason: 'Bytes of further requests of HTTP/1.1 that are read before the present one is answered.',
  },
  discardBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 0,
    max: 64 * mebibyte,
    default: 262_144,
    reason: 'The rest of a body that is read after its answer, to keep the connection; a longer one closes it.',
  },
  informationalCountMax: {
    type: 'integer',
    unit: 'answers',
    min: 1,
    max: 10_000,
    default: 32,
    reason: 'Answers of 1xx before the real one.',
  },
  outputBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 1024,
    max: 1024 * mebibyte,
    default: 65_536,
    reason: 'Bytes that wait for a slow reader before the other side is paused.',
  },

  streamsPerClientMax: {
    type: 'integer',
    unit: 'streams',
    min: 1,
    max: 100_000,
    default: 256,
    reason:
      'Requests at a time on one HTTP/2 connection of a client; further ones are refused unread. RFC 9113 asks for 100 at least.',
  },
  headerTableBytes: {
    type: 'integer',
    unit: 'bytes',
    min: 0,
    max: 65_536,
    default: 4096,
    reason: "HPACK's dynamic table, on either side of an HTTP/2 connection; the size that it has by default.",
  },
  streamWindowBytes: {
    type: 'integer',
    unit: 'bytes',
    min: 1024,
    max: windowBytesMax,
    default: 262_144,
    reason: 'What a peer may send on an HTTP/2 stream before it was passed on, at first.',
  },
  streamWindowBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 1024,
    max: windowBytesMax,
    default: 524_288,
    reason: 'As `streamWindowBytes`, at most: it grows as far as the way to the peer is long.',
  },
  connectionWindowBytes: {
    type: 'integer',
    unit: 'bytes',
    min: 65_535,
    max: windowBytesMax,
    default: 4_194_304,
    reason: 'As `streamWindowBytes`, for all streams of a connection: so much it can hold for slow readers.',
  },
  queueBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 16_384,
    max: 64 * mebibyte,
    default: 1_048_576,
    reason:
      'Heads and frames that steer an HTTP/2 connection, waiting for a peer that does not read; beyond it the connection ends.',
  },
  resetBurstMax: {
    type: 'integer',
    unit: 'streams',
    min: 1,
    max: 1_000_000,
    default: 1000,
    reason:
      'HTTP/2 streams that may end by a reset at once, besides as many as end without one (rapid reset, CVE-2023-44487; MadeYouReset, CVE-2025-8671).',
  },
  resetsPerSecondMax: {
    type: 'integer',
    unit: 'streams',
    min: 1,
    max: 1_000_000,
    default: 200,
    reason: 'As `resetBurstMax`, a second after that.',
  },
  idleFrameBurstMax: {
    type: 'integer',
    unit: 'frames',
    min: 1,
    max: 1_000_000,
    default: 2000,
    reason:
      'HTTP/2 frames that carry nothing (PING, SETTINGS, PRIORITY, empty DATA, tiny windows) that may come at once, besides ten for each frame of use.',
  },
  idleFramesPerSecondMax: {
    type: 'integer',
    unit: 'frames',
    min: 1,
    max: 1_000_000,
    default: 1000,
    reason: 'As `idleFrameBurstMax`, a second after that.',
  },
  continuationCountMax: {
    type: 'integer',
    unit: 'frames',
    min: 1,
    max: 10_000,
    default: 32,
    reason: 'Frames of a header block of HTTP/2 behind its first (CVE-2024-27316).',
  },
  settingsTimeoutMs: {
    type: 'integer',
    unit: 'ms',
    min: 10,
    max: hourMs,
    default: 10_000,
    reason: 'A peer of HTTP/2 may take this long to acknowledge SETTINGS (RFC 9113 section 6.5.3).',
  },
  keepaliveMs: {
    type: 'integer',
    unit: 'ms',
    min: 0,
    max: 24 * hourMs,
    default: 0,
    reason:
      'An HTTP/2 endpoint that is silent for this time with requests under way is asked for life by PING, and given up after twice the time; 0 for never, since servers of gRPC send clients away that ping more often than each 5 minutes (gRFC A8).',
  },

  memoryBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
    default: 0,
    reason:
      'Resident memory that the process may use. 0 goes by the memory limit of the cgroup; none where there is none.',
  },
  memoryShedPercent: {
    type: 'integer',
    unit: '%',
    min: 10,
    max: 100,
    default: 95,
    reason:
      "Of `memoryBytesMax`, and of V8's limit of its heap: above it new requests and streams are refused by 503 (`overloaded`), until use falls 5 points below it.",
  },
} as const satisfies SettingTable
