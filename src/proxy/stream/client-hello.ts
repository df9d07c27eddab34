/** The server name that a TLS client asks for (RFC 8446 section 4.1.2, RFC 6066 section 3), read from its first bytes. */

const handshakeRecord = 22
const clientHello = 1
const serverNameExtension = 0
/** A ClientHello with post-quantum keys takes under 2 KB; nobody needs more than this. */
const helloBytesMax = 16_384
const recordBytesMax = 16_384

/** `more`: it goes on behind these bytes. `no`: these are no ClientHello. */
export type HelloReading = { type: 'more' } | { type: 'no' } | { type: 'hello'; serverName: string }

const more: HelloReading = { type: 'more' }
const no: HelloReading = { type: 'no' }

/** Whether the bytes may be the begin of TLS; five of them tell. */
export function maybeTls(bytes: Buffer): boolean {
  return bytes[0] === handshakeRecord && (bytes.length < 2 || bytes[1] === 3) && (bytes.length < 3 || bytes[2]! <= 4)
}

/** @param bytes all that has come so far. */
export function readClientHello(bytes: Buffer): HelloReading {
  if (!maybeTls(bytes)) return no
  const message = joinRecords(bytes)
  if (message === undefined) return no
  if (message.length < 4) return bytes.length > helloBytesMax ? no : more
  if (message[0] !== clientHello) return no
  const length = message.readUIntBE(1, 3)
  if (length > helloBytesMax) return no
  if (message.length < 4 + length) return more
  const serverName = readServerName(new Cursor(message.subarray(4, 4 + length)))
  return serverName === undefined ? no : { type: 'hello', serverName }
}

/** A handshake message may be cut into several records (RFC 8446 section 5.1). @returns undefined for what is no record. */
function joinRecords(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  for (let at = 0; at + 5 <= bytes.length; ) {
    if (bytes[at] !== handshakeRecord || bytes[at + 1] !== 3) return parts.length > 0 ? Buffer.concat(parts) : undefined
    const length = bytes.readUInt16BE(at + 3)
    if (length === 0 || length > recordBytesMax) return undefined
    parts.push(bytes.subarray(at + 5, Math.min(bytes.length, at + 5 + length)))
    at += 5 + length
  }
  return Buffer.concat(parts)
}

/** Reads lengths and what they bound; a length that goes too far makes everything after it empty and `isBroken`. */
class Cursor {
  readonly #bytes: Buffer
  #at = 0
  isBroken = false

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  number(bytes: 1 | 2): number {
    if (this.#at + bytes > this.#bytes.length) {
      this.isBroken = true
      return 0
    }
    this.#at += bytes
    return this.#bytes.readUIntBE(this.#at - bytes, bytes)
  }

  take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length) this.isBroken = true
    const part = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return part
  }
}

/** @returns undefined when the message is broken, empty when it names no server. */
function readServerName(hello: Cursor): string | undefined {
  // Version, random, session id, cipher suites, compression methods.
  hello.take(34)
  hello.take(hello.number(1))
  hello.take(hello.number(2))
  hello.take(hello.number(1))
  if (hello.isBroken) return undefined
  // TLS 1.2 and before may do without extensions.
  if (hello.isAtEnd) return ''
  const extensions = new Cursor(hello.take(hello.number(2)))
  while (!extensions.isAtEnd && !extensions.isBroken) {
    const type = extensions.number(2)
    const content = extensions.take(extensions.number(2))
    if (type === serverNameExtension && !extensions.isBroken) return readNameList(new Cursor(content))
  }
  return hello.isBroken || extensions.isBroken ? undefined : ''
}

function readNameList(list: Cursor): string | undefined {
  const names = new Cursor(list.take(list.number(2)))
  const type = names.number(1)
  const name = names.take(names.number(2)).toString('latin1').toLowerCase()
  if (list.isBroken || names.isBroken || type !== 0) return undefined
  // A name as DNS has it: nothing that could be taken for something else in a log or a route.
  return /^[a-z0-9_.-]{1,255}$/.test(name) ? name.replace(/\.$/, '') : undefined
}
