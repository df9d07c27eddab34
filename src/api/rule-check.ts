/** Collects what the rules of a kind find: checks that span fields, or that a person deserves more words for. */
import { RE2JS } from 're2js'
import type { FaultCodeName } from './fault-codes.ts'
import { headerToken } from './text-form.ts'

export type FieldPath = readonly (string | number)[]

export interface RuleFault {
  code: FaultCodeName
  path: FieldPath
  /** What is wrong, one sentence. */
  message: string
  /** What to do. */
  cure: string
}

export class RuleCheck {
  readonly faults: RuleFault[] = []

  add(code: FaultCodeName, path: FieldPath, message: string, cure: string): void {
    this.faults.push({ code, path, message, cure })
  }

  /** RE2: matching takes time linear in the text, so that no pattern is a weapon against the proxy. */
  regex(path: FieldPath, pattern: string): void {
    try {
      RE2JS.compile(pattern)
    } catch (error) {
      const reason = error instanceof Error ? error.message.split('\n')[0]! : String(error)
      const cure = 'write RE2 syntax: no look-around and no back-references, so that matching takes linear time'
      this.add('bad-regex', path, `the regular expression can't be read: ${reason}`, cure)
    }
  }

  headerName(path: FieldPath, name: string): void {
    if (!headerToken.test(name))
      this.add('bad-header-name', path, `${JSON.stringify(name)} is no header name`, 'use letters, digits and dashes')
  }

  /** RFC 9110, section 5.5: what could end the line or the message is no value. */
  headerValue(path: FieldPath, value: string): void {
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(value) || value.trim() !== value)
      this.add(
        'bad-header-value',
        path,
        'the value holds a line break or another control character, or a space at an end',
        'write one line of text, with no space in front or behind',
      )
  }

  /** Of entries that need names of their own. `place` says where an entry's name stands. */
  unique(names: readonly (string | undefined)[], place: (index: number) => FieldPath, what: string): void {
    const seen = new Map<string, number>()
    names.forEach((name, index) => {
      if (name === undefined) return
      const before = seen.get(name)
      if (before === undefined) seen.set(name, index)
      else
        this.add(
          'duplicate-name',
          place(index),
          `${what} ${name} stands at position ${before} of the list already`,
          'remove one of the two, or give it another name',
        )
    })
  }
}
