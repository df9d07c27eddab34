/** Fields of a message into a header block. */
import { UnwritableMessage } from '../http1/fault.ts'
import { lookUpName } from '../http1/field.ts'
import type { HeaderList } from '../message.ts'
import type { HpackEncoder } from './hpack/encoder.ts'

/**
 * Names and values are checked, for policies and users write into them too; fields that only framing may say are left out.
 * @param leftOut one more, empty for none.
 * @throws UnwritableMessage
 */
export function writeFields(encoder: HpackEncoder, headers: HeaderList, leftOut: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i]!
    if (name !== leftOut && !encoder.messageField(name, headers[i + 1]!)) throw unwritable(name)
  }
}

function unwritable(name: string): UnwritableMessage {
  if (lookUpName(name) === undefined) return new UnwritableMessage(`${JSON.stringify(name)} is no name of a header`)
  return new UnwritableMessage(`header ${name} holds a line break, a control character or one outside Latin-1`)
}
