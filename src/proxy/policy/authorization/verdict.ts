/** What an authorisation server says of a request, whichever way it was asked. */
import type { HeaderList } from '#/codec/message.ts'

/** Envoy: HeaderAppendAction; `set` leaves one field of that name. */
export type HeaderAction = 'set' | 'append' | 'set-if-absent' | 'set-if-present'

export interface HeaderChange {
  /** Lower-case. */
  name: string
  value: string
  action: HeaderAction
}

export interface Allowed {
  type: 'allowed'
  /** Of the request that goes on. */
  headers: readonly HeaderChange[]
  removed: readonly string[]
  /** Parameters of the query, decoded. */
  paramsSet: readonly { name: string; value: string }[]
  paramsRemoved: readonly string[]
  /** Of the answer that the client will get. */
  answerHeaders: readonly HeaderChange[]
}

export interface Denied {
  type: 'denied'
  /** 200 to 599. */
  status: number
  headers: HeaderList
  body: Uint8Array
}

/** No answer, or one that can't be carried out. */
export interface Failed {
  type: 'failed'
  detail: string
}

export type Verdict = Allowed | Denied | Failed

export const plainlyAllowed: Allowed = {
  type: 'allowed',
  headers: [],
  removed: [],
  paramsSet: [],
  paramsRemoved: [],
  answerHeaders: [],
}
