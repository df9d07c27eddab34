/**
 * The admin endpoint of a proxy, served by our own codec: `node:http` would cost every sidecar 15 MB
 * (docs/decisions/0004-small-proxy.md).
 */
import { unknownLength } from '#/codec/message.ts'
import type { ServerHandler, ServerSink, ServerStream } from '#/codec/stream.ts'
import { adminPages, listPages } from './admin-page.ts'
import type { AdminState } from './admin-state.ts'
import { type Answer, textAnswer } from './answer.ts'
import { refusal } from './caller-check.ts'

export function createAdminHandler(state: AdminState): ServerHandler {
  return {
    onStream: (stream) => new AdminExchange(stream, state),
    onMalformed: (code, detail) => state.log.debug('admin request refused', { code, detail }),
  }
}

/** One request and its answer. Bodies of requests mean nothing here and are passed over. */
class AdminExchange implements ServerSink {
  readonly #stream: ServerStream
  readonly #state: AdminState
  #afterwards: (() => void) | undefined
  #pieces: Iterator<string> | undefined
  #isGone = false

  constructor(stream: ServerStream, state: AdminState) {
    this.#stream = stream
    this.#state = state
  }

  onData(): void {
    // Passed over.
  }

  onEnd(): void {
    const { gather } = this.#state
    if (!gather) this.#respond()
    else gather(this.#path, () => !this.#isGone && this.#respond())
  }

  get #path(): string {
    const { path } = this.#stream.head
    const mark = path.indexOf('?')
    return mark < 0 ? path : path.slice(0, mark)
  }

  #respond(): void {
    const answer = this.#answer()
    this.#afterwards = answer.afterwards
    const { status, contentType, body, headers = [] } = answer
    const isText = typeof body === 'string'
    const bytes = isText ? Buffer.from(body) : undefined
    const all = [
      'content-type',
      contentType,
      'cache-control',
      'no-store',
      'x-content-type-options',
      'nosniff',
      ...headers,
    ]
    const isHead = this.#stream.head.method === 'HEAD'
    this.#stream.writeHead(
      { status, headers: all, bodyLength: bytes ? bytes.length : unknownLength, upgrade: '' },
      isHead || bytes?.length === 0,
    )
    if (isHead || bytes?.length === 0) return
    if (bytes) {
      this.#stream.writeData(bytes)
      this.#stream.writeEnd()
    } else if (!isText) {
      this.#pieces = body[Symbol.iterator]()
      this.#writePieces()
    }
  }

  #writePieces(): void {
    try {
      while (this.#pieces) {
        const { value, done } = this.#pieces.next()
        if (done) {
          this.#pieces = undefined
          this.#stream.writeEnd()
        } else if (!this.#stream.writeData(Buffer.from(value))) return
      }
    } catch (error) {
      // The head has left: the client learns by the missing end.
      this.#pieces = undefined
      this.#state.log.error('admin page failed', { path: this.#stream.head.path, reason: String(error) })
      this.#stream.reset('cancelled')
    }
  }

  #answer(): Answer {
    const { head } = this.#stream
    const path = this.#path
    const method = head.method === 'HEAD' ? 'GET' : head.method
    const page = adminPages.find((each) => each.path === path)
    if (!page?.isPublic) {
      const reason = refusal(head)
      if (reason !== undefined) return textAnswer(`refused: ${reason}`, 403)
    }
    if (path === '/' && method === 'GET') return textAnswer(listPages())
    if (!page) return textAnswer(`no page ${JSON.stringify(path)}. There are:\n\n${listPages()}`, 404)
    if (page.method !== method) {
      const allow = page.method === 'GET' ? 'GET, HEAD' : page.method
      return { ...textAnswer(`${path} takes ${page.method}`, 405), headers: ['allow', allow] }
    }
    try {
      return page.answer(this.#state, new URLSearchParams(head.path.slice(path.length)), head)
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#state.log.error('admin page failed', { path, reason })
      return textAnswer(`${path} failed: ${reason}`, 500)
    }
  }

  onWritable(): void {
    this.#writePieces()
  }

  onFinished(): void {
    this.#finish()
  }

  onReset(): void {
    this.#isGone = true
    this.#pieces = undefined
    this.#finish()
  }

  #finish(): void {
    const afterwards = this.#afterwards
    this.#afterwards = undefined
    afterwards?.()
  }
}
