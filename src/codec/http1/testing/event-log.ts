/** What a codec made of bytes, a line an event: the language of the specification's `events` blocks. */
import type { HeaderList, RequestHead, ResponseHead } from '../../message.ts'
import { unknownLength } from '../../message.ts'
import { showBytes } from './visible-bytes.ts'

export class EventLog {
  readonly #lines: string[] = []
  #body: Buffer[] = []

  get lines(): readonly string[] {
    this.#flushBody()
    return this.#lines
  }

  add(line: string): void {
    this.#flushBody()
    this.#lines.push(line)
  }

  /** Chunks that follow one another are one event: where they were cut is no matter. */
  addBody(chunk: Uint8Array): void {
    this.#body.push(Buffer.from(chunk))
  }

  addRequest(head: RequestHead): void {
    const facts = [head.version === 'HTTP/1.0' ? 'HTTP/1.0' : '', head.isAbsolute ? 'absolute' : '', lengthFact(head)]
    if (head.upgrade !== '') facts.push(`upgrade=${head.upgrade}`)
    if (head.expectsContinue) facts.push('expects-continue')
    const words = ['request', head.method, head.path, `host=${head.authority}`, ...facts]
    this.add(words.filter((word) => word !== '').join(' '))
    this.#addFields('header', head.headers)
  }

  addAnswer(head: ResponseHead, isEnd: boolean): void {
    const facts = [isEnd ? `length=${lengthText(head.bodyLength)} empty` : lengthFact(head)]
    if (head.upgrade !== '') facts.push(`upgrade=${head.upgrade}`)
    this.add(['answer', head.status, ...facts].filter((word) => word !== '').join(' '))
    this.#addFields('header', head.headers)
  }

  addInformational(status: number, headers: HeaderList): void {
    this.add(`informational ${status}`)
    this.#addFields('header', headers)
  }

  addEnd(trailers: HeaderList | undefined): void {
    this.#flushBody()
    this.#addFields('trailer', trailers ?? [])
    this.add('end')
  }

  #addFields(kind: string, headers: HeaderList): void {
    for (let i = 0; i < headers.length; i += 2) {
      this.add(`${kind} ${headers[i]}: ${showBytes(Buffer.from(headers[i + 1]!, 'latin1'))}`.trimEnd())
    }
  }

  #flushBody(): void {
    if (this.#body.length === 0) return
    this.#lines.push(`body ${showBytes(Buffer.concat(this.#body))}`)
    this.#body = []
  }
}

function lengthText(length: number): string {
  return length === unknownLength ? 'unknown' : String(length)
}

function lengthFact({ bodyLength }: { bodyLength: number }): string {
  return bodyLength === 0 ? '' : `length=${lengthText(bodyLength)}`
}
