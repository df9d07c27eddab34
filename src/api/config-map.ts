/** ConfigMap (core/v1): certificates of authorities are read from it. */
import { z } from 'zod'
import { metadataSchema } from './metadata.ts'

export const configMapSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ConfigMap'),
  metadata: metadataSchema,
  data: z.record(z.string(), z.string()).nullish(),
  binaryData: z.record(z.string(), z.string()).nullish(),
  immutable: z.boolean().optional(),
})

export type ConfigMap = z.infer<typeof configMapSchema>
