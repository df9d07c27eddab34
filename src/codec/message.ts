/**
 * Requests and answers as the proxy sees them, whatever carried them. HTTP/1 and HTTP/2 both speak in these terms, so
 * that routing, policy and balancing know nothing of bytes.
 */

/**
 * A flat list of header fields: name, value, name, value. Names are lower-case; order and repetition are kept. Framing
 * fields (`content-length`, `transfer-encoding`, `connection` and what it names, `keep-alive`, `te`, `trailer`,
 * `upgrade`, `proxy-connection`, `expect`, `host`) are not in it: the codec reads them into the head and writes them anew.
 */
export type HeaderList = string[]

/** The length of a body that ends by chunking, by END_STREAM or by the end of the connection. */
export const unknownLength = -1

export interface RequestHead {
  method: string
  scheme: 'http' | 'https'
  /** Host and optional port, from `:authority`, the absolute target or `Host`. Empty only for HTTP/1.0. */
  authority: string
  /** Path with query, starting with `/`; `*` for OPTIONS; empty for CONNECT. */
  path: string
  headers: HeaderList
  version: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2'
  /** Bytes of the body; 0 for none; `unknownLength`. */
  bodyLength: number
  /** Protocol asked for by `Upgrade` (`websocket`), empty for none. Lower-case. */
  upgrade: string
  expectsContinue: boolean
  /** The client takes trailers: `te: trailers` (RFC 9110 section 10.1.4). gRPC servers ask for it. */
  acceptsTrailers?: boolean
  /** Target was in absolute form (`GET http://host/path`): the client took us for an HTTP proxy. */
  isAbsolute: boolean
}

export interface ResponseHead {
  /** 100 to 599. */
  status: number
  headers: HeaderList
  /** Bytes of the body, as for a request. For HEAD and 304 what a GET would have had; `unknownLength` when not said. */
  bodyLength: number
  /** The protocol switched to, on 101. */
  upgrade: string
}

/** The first value of a field, undefined when absent. `name` is lower-case. */
export function getHeader(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]
  return undefined
}

/** All values of a field joined by a comma, as RFC 9110 section 5.3 allows; undefined when absent. */
export function joinHeader(headers: HeaderList, name: string): string | undefined {
  let joined: string | undefined
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) joined = joined === undefined ? headers[i + 1] : `${joined}, ${headers[i + 1]}`
  }
  return joined
}

/** Removes every field of that name, in place. */
export function removeHeader(headers: HeaderList, name: string): void {
  let kept = 0
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) continue
    if (kept !== i) {
      headers[kept] = headers[i]!
      headers[kept + 1] = headers[i + 1]!
    }
    kept += 2
  }
  shorten(headers, kept)
}

/** By pops: setting a list's length is a call into the engine, which costs as much as twenty of them. */
export function shorten(list: unknown[], length: number): void {
  while (list.length > length) list.pop()
}

/** Leaves exactly one field of that name, in place. */
export function setHeader(headers: HeaderList, name: string, value: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== name) continue
    headers[i + 1] = value
    for (let j = i + 2; j < headers.length; j += 2) {
      if (headers[j] !== name) continue
      headers.splice(j, 2)
      j -= 2
    }
    return
  }
  headers.push(name, value)
}
