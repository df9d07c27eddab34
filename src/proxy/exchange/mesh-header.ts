/** The two headers between sidecars: who calls (`weft-peer`, on the way in) and what went wrong (`weft-detail`, on the way back). */
import type { HeaderList, ResponseHead } from '#/codec/message.ts'
import { getHeader, removeHeader } from '#/codec/message.ts'
import type { WorkloadIdentity } from '#/model/workload.ts'
import type { ErrorCode, ErrorCodeName } from '#/std/errors.ts'
import { errorCodes } from '#/std/errors.ts'

export const peerHeader = 'weft-peer'
export const detailHeader = 'weft-detail'

const fields = ['namespace', 'workload', 'pod', 'serviceAccount', 'app', 'version'] as const

/** `shop/reviews-v1/reviews-v1-0/reviews/reviews/v1`, percent-encoded between the slashes. */
export function formatPeer(identity: WorkloadIdentity): string {
  return fields.map((field) => encodeURIComponent(identity[field])).join('/')
}

/** @returns undefined for a text that is none. */
export function parsePeer(text: string): WorkloadIdentity | undefined {
  const parts = text.split('/')
  if (parts.length !== fields.length || text.length > 1024 || /%(?![0-9A-Fa-f]{2})/.test(text)) return undefined
  try {
    const [namespace = '', workload = '', pod = '', serviceAccount = '', app = '', version = ''] =
      parts.map(decodeURIComponent)
    return { namespace, workload, pod, serviceAccount, app, version }
  } catch (error) {
    if (error instanceof URIError) return undefined
    throw error
  }
}

/** Callers seen lately; the object is shared so that what hangs on its identity (metric series) is found at once. */
const peers = new Map<string, WorkloadIdentity | undefined>()
const peersMax = 1000

/** Takes the caller out of a request's headers. */
export function takePeer(headers: HeaderList): WorkloadIdentity | undefined {
  const text = getHeader(headers, peerHeader)
  if (text === undefined) return undefined
  removeHeader(headers, peerHeader)
  const known = peers.get(text)
  if (known !== undefined || peers.has(text)) return known
  if (peers.size >= peersMax) peers.clear()
  const peer = parsePeer(text)
  peers.set(text, peer)
  return peer
}

/** The value of `weft-detail`. Line breaks and what is not printable ASCII become spaces. */
export function formatDetail(code: ErrorCodeName, detail: string): string {
  return detail === '' ? code : `${code}; ${detail.replace(/[^\x20-\x7e]+/g, ' ')}`
}

/** The code of an answer that says that the request reached no application; empty for every other answer. */
export function readUnsentDetail(head: ResponseHead, isGrpc: boolean): ErrorCodeName | '' {
  // A failure of gRPC has status 200.
  if (head.status < 400 && !isGrpc) return ''
  const code = readDetailCode(head)
  return code !== '' && (errorCodes[code] as ErrorCode).isUnsent ? code : ''
}

/** What `weft-detail` names; empty where there is none, or none that we know. */
export function readDetailCode(head: ResponseHead): ErrorCodeName | '' {
  const text = getHeader(head.headers, detailHeader)
  if (text === undefined) return ''
  const end = text.indexOf(';')
  const name = end < 0 ? text : text.slice(0, end)
  return Object.hasOwn(errorCodes, name) ? (name as ErrorCodeName) : ''
}

/** The answer of a sidecar that lost its application before a byte of an answer. It has no other to go to, its caller may have. */
export function wasCutBehind(head: ResponseHead): boolean {
  return head.status === errorCodes.upstream_reset.status && readDetailCode(head) === 'upstream_reset'
}
