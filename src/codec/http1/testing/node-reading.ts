/** Bytes as Node's own server reads them (llhttp, strict). */
import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { duplexPair } from 'node:stream'
import type { Reading } from './read-request.ts'
import { withoutHop } from './read-request.ts'

/** Trailers that ours drops besides (trailer-reader.ts); those that the grammar makes. */
const droppedTrailers = new Set(['cookie'])

/** Host is checked above Node's parser, and a fault there would not stop its reading. */
const options = { insecureHTTPParser: false, requireHostHeader: false, keepAliveTimeout: 0 }

export class NodeReader {
  readonly #readings = new Map<unknown, Reading>()
  readonly #server = createServer(options, (request, response) => {
    const reading = this.#readings.get(request.socket)!
    reading.headCount++
    let body = ''
    request.on('data', (chunk: Buffer) => {
      body += chunk.toString('latin1')
    })
    request.on('end', () => {
      reading.requests.push({
        method: request.method ?? '',
        target: request.url ?? '',
        version: `HTTP/${request.httpVersion}`,
        headers: withoutHop(request.rawHeaders),
        body,
        trailers: withoutHop(request.rawTrailers, droppedTrailers),
      })
      response.statusCode = 204
      response.end()
    })
  })

  constructor() {
    this.#server.on('clientError', (error, socket) => {
      // Not destroyed yet: the requests before the refused one are still on their way to their listeners.
      this.#readings.get(socket)!.refusal ||= error.message
    })
    this.#server.on('checkExpectation', (request, response) => this.#server.emit('request', request, response))
    this.#server.timeout = 0
    this.#server.headersTimeout = 0
    this.#server.requestTimeout = 0
  }

  /** @returns filled in while the event loop turns. */
  read(bytes: Uint8Array): Reading {
    const reading: Reading = { requests: [], headCount: 0, refusal: '', isClosed: false }
    const [ours, theirs] = duplexPair()
    this.#readings.set(theirs, reading)
    theirs.on('error', (error) => {
      reading.refusal ||= error.message
    })
    this.#server.emit('connection', theirs as unknown as Socket)
    ours.resume()
    ours.on('error', () => undefined)
    ours.write(bytes)
    return reading
  }

  close(): void {
    for (const socket of this.#readings.keys()) (socket as Socket).destroy()
    this.#server.close()
  }
}
