/**
 * WebSocket across versions. HTTP/1.1 proves by a key that both sides mean WebSocket (RFC 6455 section 4); extended CONNECT
 * has no such fields (RFC 8441 section 5). The seam speaks as HTTP/1.1 does, so they are added where HTTP/2 lacks them; where
 * both ends speak HTTP/1.1 they cross as they are.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { RequestHead, ResponseHead } from '../message.ts'
import { getHeader } from '../message.ts'

/** RFC 6455 section 1.3. */
const keySuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Adds a key to a request that came by extended CONNECT. @returns whether it had none. */
export function addKey({ upgrade, headers }: RequestHead): boolean {
  if (upgrade !== 'websocket' || getHeader(headers, 'sec-websocket-key') !== undefined) return false
  headers.push('sec-websocket-key', randomBytes(16).toString('base64'))
  return true
}

/** The proof for the key of a request; empty for one that has none. */
export function proofFor({ upgrade, headers }: RequestHead): string {
  const key = upgrade === 'websocket' ? getHeader(headers, 'sec-websocket-key') : undefined
  if (key === undefined) return ''
  return createHash('sha1').update(`${key}${keySuffix}`).digest('base64')
}

/** Adds the proof to an answer that switches protocols without one. */
export function addProof(head: ResponseHead, proof: string): void {
  if (proof === '' || getHeader(head.headers, 'sec-websocket-accept') !== undefined) return
  head.headers.push('sec-websocket-accept', proof)
}
