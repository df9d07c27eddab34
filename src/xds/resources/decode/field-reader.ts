/**
 * A strict way to read a message: every field that is there must be read, or be harmless; what is left over when the whole
 * resource was read is a fault with its path as Envoy spells it. So nothing that a control plane asks for is dropped in
 * silence.
 */
import { harmlessFields } from './harmless-fields.ts'
import { readMessage, type WireMessage, type WireValue } from './wire-message.ts'

export interface AnyContent {
  typeName: string
  /** Reads what is inside as a type of the field table. @throws when the bytes are no such message. */
  open(typeName: string): FieldReader
}

/** All readers of one resource, and the faults that they found. */
interface Reading {
  faults: string[]
  readers: FieldReader[]
}

export class FieldReader {
  readonly path: string
  readonly #message: WireMessage
  readonly #reading: Reading
  readonly #unread: Set<string>
  #isSkipped = false

  private constructor(message: WireMessage, path: string, reading: Reading) {
    this.#message = message
    this.path = path
    this.#reading = reading
    this.#unread = new Set(message.fields.keys())
    reading.readers.push(this)
  }

  /** Reads a whole resource. @returns every fault, none when all of it was understood. @throws as `AnyContent.open`. */
  static readAll<T>(message: WireMessage, read: (reader: FieldReader) => T): { value: T; faults: string[] } {
    const reading: Reading = { faults: [], readers: [] }
    const value = read(new FieldReader(message, '', reading))
    for (const reader of reading.readers) reader.#tellLeftovers()
    return { value, faults: reading.faults }
  }

  #tellLeftovers(): void {
    if (this.#isSkipped) return
    const harmless = harmlessFields[this.#message.typeName]
    for (const name of this.#unread) if (!harmless?.has(name)) this.fault(name, 'unsupported by this proxy')
    for (const number of this.#message.unknown) this.fault('', `field number ${number} is unknown to this proxy`)
  }

  #open(message: WireMessage, path: string): FieldReader {
    return new FieldReader(message, path, this.#reading)
  }

  #take(name: string): WireValue | undefined {
    this.#unread.delete(name)
    return this.#message.fields.get(name)
  }

  has(name: string): boolean {
    return this.#message.fields.has(name)
  }

  #at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  /** @param name of the field at fault, empty for the message as a whole. */
  fault(name: string, what: string): void {
    this.#reading.faults.push(`${name === '' ? this.path || this.#message.typeName : this.#at(name)}: ${what}`)
  }

  /** Fields that may be passed over here, whatever they say. */
  ignore(...names: string[]): void {
    for (const name of names) this.#unread.delete(name)
  }

  /** The whole message is not for us: nothing in it is looked at. */
  skip(): void {
    this.#isSkipped = true
  }

  string(name: string): string {
    return (this.#take(name) as string | undefined) ?? ''
  }

  /** Bytes that are UTF-8. */
  text(name: string): string {
    return Buffer.from((this.#take(name) as Uint8Array | undefined) ?? new Uint8Array()).toString()
  }

  /** 0 when absent, as proto3 has it. */
  number(name: string): number {
    return (this.#take(name) as number | undefined) ?? 0
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
    return message && this.#open(message, this.#at(name))
  }

  messages(name: string): FieldReader[] {
    const list = (this.#take(name) as WireMessage[] | undefined) ?? []
    return list.map((message, index) => this.#open(message, `${this.#at(name)}[${index}]`))
  }

  map(name: string): Map<string, FieldReader> {
    const map = (this.#take(name) as Map<string, WireMessage> | undefined) ?? new Map<string, WireMessage>()
    return new Map([...map].map(([key, message]) => [key, this.#open(message, `${this.#at(name)}["${key}"]`)]))
  }

  /** google.protobuf.*Value: the number inside, undefined when absent. */
  wrappedNumber(name: string): number | undefined {
    return this.message(name)?.number('value')
  }

  wrappedBoolean(name: string): boolean | undefined {
    return this.message(name)?.boolean('value')
  }

  /** google.protobuf.Duration in ms, undefined when absent; a negative one is a fault. */
  durationMs(name: string): number | undefined {
    const duration = this.message(name)
    if (!duration) return undefined
    const ms = duration.number('seconds') * 1000 + duration.number('nanos') / 1e6
    if (ms < 0) this.fault(name, 'must be 0 or more')
    return ms
  }

  /** A google.protobuf.Any in a field. */
  any(name: string): AnyContent | undefined {
    return this.message(name)?.asAny()
  }

  /** This message is itself a google.protobuf.Any. */
  asAny(): AnyContent {
    const typeName = this.string('type_url').split('/').pop() ?? ''
    const bytes = (this.#take('value') as Uint8Array | undefined) ?? new Uint8Array()
    return { typeName, open: (wanted) => this.#open(readMessage(wanted, bytes), this.path) }
  }
}
