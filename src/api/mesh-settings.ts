/** Mesh (`weft.dev/v1alpha1`): what holds for the whole mesh. There is one, called `default`. */
import { z } from 'zod'
import { labelMetadataSchema } from './metadata.ts'
import { meshName } from './policy-target.ts'
import { RuleCheck, type RuleFault } from './rule-check.ts'

/**
 * What becomes of calls to hosts that are neither Services nor ExternalServices. `AllowAny` (default): they go where they were going.
 * `RegistryOnly`: they are refused.
 */
export const outboundMode = z.enum(['AllowAny', 'RegistryOnly'])

export const meshSettingsSchema = z.strictObject({
  apiVersion: z.literal('weft.dev/v1alpha1'),
  kind: z.literal('Mesh'),
  metadata: labelMetadataSchema,
  spec: z.strictObject({ outbound: z.strictObject({ mode: outboundMode.optional() }).optional() }).optional(),
  status: z.unknown().optional(),
})

export type MeshSettings = z.infer<typeof meshSettingsSchema>

export function meshSettingsFaults({ metadata }: MeshSettings): RuleFault[] {
  const check = new RuleCheck()
  if (metadata.name !== meshName)
    check.add(
      'wrong-value',
      ['metadata', 'name'],
      `there is one mesh, and it is not called ${metadata.name}`,
      `write name: ${meshName}`,
    )
  return check.faults
}
