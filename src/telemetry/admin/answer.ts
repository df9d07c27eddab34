/** What a page of the admin endpoint gives back. */
import type { HeaderList } from '#/codec/message.ts'
import { formatRedacted } from './redact.ts'

export interface Answer {
  status: number
  contentType: string
  /** Pieces are sent as the client takes them. */
  body: string | Iterable<string>
  headers?: HeaderList
  /** Done when the answer has left, or can't. */
  afterwards?: () => void
}

export function textAnswer(text: string, status = 200): Answer {
  return { status, contentType: 'text/plain; charset=utf-8', body: text.endsWith('\n') ? text : `${text}\n` }
}

/** With secrets blackened. */
export function jsonAnswer(value: unknown): Answer {
  return { status: 200, contentType: 'application/json; charset=utf-8', body: `${formatRedacted(value)}\n` }
}

/** Pieces are given out when they are about this long, characters. */
const pieceLength = 16_384

/** Gathers lines into pieces that are worth a write each. */
export function* gather(lines: Iterable<string>): Generator<string> {
  let piece = ''
  for (const line of lines) {
    piece += line
    if (piece.length < pieceLength) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}
