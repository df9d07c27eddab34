/** Assertions about access in YAML: what they look like, and what is wrong with them. */
import { parseDocument } from 'yaml'
import { z } from 'zod'

const callSchema = z.strictObject({
  name: z.string().min(1).optional(),
  /** `NAMESPACE/ACCOUNT`; absent for a caller without identity. */
  from: z.string().min(1).optional(),
  to: z.string().min(1),
  /** `GET /orders/7`; absent for a connection of bytes. */
  request: z
    .string()
    .regex(/^[A-Z]+ \/\S*$/, 'a method and a path: GET /orders')
    .optional(),
  host: z.string().min(1).optional(),
  headers: z.record(z.string(), z.string()).optional(),
  address: z.string().min(1).optional(),
  /** Of the token that it brings. */
  claims: z.record(z.string(), z.unknown()).optional(),
  expect: z.enum(['allowed', 'denied']),
  /** That has to be the one that decides. */
  rule: z.string().min(1).optional(),
  /** Rule of an Audit that has to tell it. */
  audited: z.string().min(1).optional(),
})

const fileSchema = z.strictObject({
  /** Files or folders of YAML, from where this file stands. */
  files: z.array(z.string().min(1)).min(1),
  trustDomain: z.string().min(1).optional(),
  tests: z.array(callSchema).min(1),
})

export type AccessTestFile = z.infer<typeof fileSchema>
export type AccessTestCall = z.infer<typeof callSchema>

/** @throws RangeError with what is wrong, a line a fault. */
export function readAccessTests(text: string): AccessTestFile {
  const document = parseDocument(text)
  const [fault] = document.errors
  if (fault) throw new RangeError(fault.message)
  const read = fileSchema.safeParse(document.toJS())
  if (read.success) return read.data
  throw new RangeError(read.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'))
}
