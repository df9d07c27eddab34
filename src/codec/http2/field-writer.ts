/** Fields of a message into a header block. */
import { UnwritableMessage } from '../http1/fault.ts'
import { isKeptValue, lookUpName } from '../http1/field.ts'
import { isFieldText } from '../http1/syntax.ts'
import type { HeaderList } from '../message.ts'
import type { HpackEncoder } from './hpack/encoder.ts'

/**
 * Names and values are checked, for policies and users write into them too; fields that only framing may say are left out.
 * @param leftOut one more, empty for none.
 * @throws UnwritableMessage
 */
export function writeFields(encoder: HpackEncoder, headers: HeaderList, leftOut: string): void {
  for (let i = 0; i < headers.length; i += 2) {
    const known = lookUpName(headers[i]!)
    if (known === undefined) throw new UnwritableMessage(`${JSON.stringify(headers[i])} is no name of a header`)
    if (known.role !== 'plain' || known.name === leftOut) continue
    const value = headers[i + 1]!
    if (!isKeptValue(value) && !isFieldText(value)) {
      throw new UnwritableMessage(`header ${known.name} holds a line break, a control character or one outside Latin-1`)
    }
    encoder.field(known.name, value)
  }
}
