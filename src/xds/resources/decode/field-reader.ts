/**
 * A strict way to read a message: what was not read when `finish` is called, and is not harmless, is a fault with its path as
 * Envoy spells it. So nothing that a control plane asks for is dropped in silence.
 */
import { harmlessFields } from './harmless-fields.ts'
import { readMessage, type WireMessage, type WireValue } from './wire-message.ts'

export interface AnyContent {
  typeName: string
  open(typeName: string): FieldReader
}

export class FieldReader {
  readonly #message: WireMessage
  readonly path: string
  readonly faults: string[]
  readonly #unread: Set<string>

  constructor(message: WireMessage, path: string, faults: string[]) {
    this.#message = message
    this.path = path
    this.faults = faults
    this.#unread = new Set(message.fields.keys())
  }

  get typeName(): string {
    return this.#message.typeName
  }

  #take(name: string): WireValue | undefined {
    this.#unread.delete(name)
    return this.#message.fields.get(name)
  }

  has(name: string): boolean {
    return this.#message.fields.has(name)
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  fault(name: string, what: string): void {
    this.faults.push(`${name === '' ? this.path : this.at(name)}: ${what}`)
  }

  /** Reads and forgets: what may be ignored here. */
  ignore(...names: string[]): void {
    for (const name of names) this.#unread.delete(name)
  }

  string(name: string): string {
    return (this.#take(name) as string | undefined) ?? ''
  }

  /** 0 when absent, as proto3 has it; `fallback` for what has another default. */
  number(name: string, fallback = 0): number {
    return (this.#take(name) as number | undefined) ?? fallback
  }

  boolean(name: string): boolean {
    return (this.#take(name) as boolean | undefined) ?? false
  }

  /** Name of an enum's value; `fallback` is the one with number 0. */
  enumeration(name: string, fallback: string): string {
    return (this.#take(name) as string | undefined) ?? fallback
  }

  strings(name: string): string[] {
    return (this.#take(name) as string[] | undefined) ?? []
  }

  numbers(name: string): number[] {
    return (this.#take(name) as number[] | undefined) ?? []
  }

  message(name: string): FieldReader | undefined {
    const message = this.#take(name) as WireMessage | undefined
    return message && new FieldReader(message, this.at(name), this.faults)
  }

  messages(name: string): FieldReader[] {
    const list = (this.#take(name) as WireMessage[] | undefined) ?? []
    return list.map((message, index) => new FieldReader(message, `${this.at(name)}[${index}]`, this.faults))
  }

  map(name: string): Map<string, FieldReader> {
    const map = (this.#take(name) as Map<string, WireMessage> | undefined) ?? new Map<string, WireMessage>()
    return new Map(
      [...map].map(([key, message]) => [key, new FieldReader(message, `${this.at(name)}["${key}"]`, this.faults)]),
    )
  }

  /** google.protobuf.*Value: the number inside, undefined when absent. */
  wrappedNumber(name: string): number | undefined {
    return this.message(name)?.number('value')
  }

  wrappedBoolean(name: string): boolean | undefined {
    return this.message(name)?.boolean('value')
  }

  /** google.protobuf.Duration in ms, undefined when absent. */
  durationMs(name: string): number | undefined {
    const duration = this.message(name)
    return duration && duration.number('seconds') * 1000 + duration.number('nanos') / 1e6
  }

  /** A google.protobuf.Any in a field; `open` reads what is inside as the type that the caller knows. */
  any(name: string): AnyContent | undefined {
    return this.message(name)?.asAny()
  }

  /** This message is itself a google.protobuf.Any. */
  asAny(): AnyContent {
    const typeName = this.string('type_url').split('/').pop() ?? ''
    const bytes = (this.#take('value') as Uint8Array | undefined) ?? new Uint8Array()
    return { typeName, open: (wanted) => new FieldReader(readMessage(wanted, bytes), this.path, this.faults) }
  }

  /** To be called when everything of interest was read. */
  finish(): void {
    const harmless = harmlessFields[this.typeName]
    for (const name of this.#unread) {
      if (!harmless?.has(name)) this.fault(name, 'unsupported by this proxy')
    }
    for (const number of this.#message.unknown) this.fault('', `field number ${number} is unknown to this proxy`)
  }
}
