/**
 * BackendTLSPolicy of Gateway API (`gateway.networking.k8s.io`, 1.6): how a Service whose pods end TLS themselves is called. Limits are
 * those of the CRD; the rules on which fields go together are its CEL rules.
 */
import { z } from 'zod'
import { metadataSchema } from './metadata.ts'
import { type FieldPath, RuleCheck, type RuleFault } from './rule-check.ts'
import { groupName, kindName, objectName, preciseHostnamePattern, subdomainName } from './text-form.ts'

const preciseHostname = z.string().min(1).max(253).regex(preciseHostnamePattern, 'a host name, without a wildcard')

const localRef = z.strictObject({ group: groupName, kind: kindName, name: objectName })

const subjectAltName = z.strictObject({
  type: z.enum(['Hostname', 'URI']),
  hostname: z
    .string()
    .min(1)
    .max(253)
    .regex(/^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/, 'a host name')
    .optional(),
  uri: z.string().min(1).max(253).optional(),
})

/** Whose word on a certificate is taken, and which names it must have. ExternalService uses the same fields. */
export const backendTlsFields = {
  /** ConfigMaps with a key `ca.crt`. */
  caCertificateRefs: z.array(localRef).max(8).optional(),
  wellKnownCACertificates: z.literal('System').optional(),
  subjectAltNames: z.array(subjectAltName).max(5).optional(),
}

export const backendTlsPolicySchema = z.strictObject({
  apiVersion: z.enum(['gateway.networking.k8s.io/v1', 'gateway.networking.k8s.io/v1alpha3']),
  kind: z.literal('BackendTLSPolicy'),
  metadata: metadataSchema,
  spec: z.strictObject({
    targetRefs: z
      .array(
        z.strictObject({ group: groupName, kind: kindName, name: objectName, sectionName: subdomainName.optional() }),
      )
      .min(1)
      .max(16),
    validation: z.strictObject({ ...backendTlsFields, hostname: preciseHostname }),
    options: z.record(z.string(), z.string()).optional(),
  }),
  status: z.unknown().optional(),
})

export type BackendTlsPolicy = z.infer<typeof backendTlsPolicySchema>

export interface BackendTlsValidation {
  caCertificateRefs?: readonly z.infer<typeof localRef>[] | undefined
  wellKnownCACertificates?: 'System' | undefined
  subjectAltNames?: readonly z.infer<typeof subjectAltName>[] | undefined
}

export function backendTlsPolicyFaults({ spec }: BackendTlsPolicy): RuleFault[] {
  const check = new RuleCheck()
  spec.targetRefs.forEach(({ group, kind }, index) => {
    if (kind !== 'Service' || group !== '')
      check.add(
        'target-kind',
        ['spec', 'targetRefs', index, 'kind'],
        `this policy can't be attached to ${group === '' ? kind : `${kind}.${group}`}`,
        'use kind: Service and group: ""',
      )
  })
  check.unique(
    spec.targetRefs.map(({ kind, name, sectionName = '' }) => `${kind} ${name} ${sectionName}`.trimEnd()),
    (index) => ['spec', 'targetRefs', index],
    'the target',
  )
  const { caCertificateRefs = [], wellKnownCACertificates } = spec.validation
  if (caCertificateRefs.length === 0 && !wellKnownCACertificates)
    check.add(
      'missing-field',
      ['spec', 'validation'],
      'nobody is named whose word on certificates is taken',
      'write caCertificateRefs: [{ group: "", kind: ConfigMap, name: … }], or wellKnownCACertificates: System',
    )
  checkBackendTls(check, spec.validation, ['spec', 'validation'])
  return check.faults
}

/** What no field's schema can say of `backendTlsFields`. */
export function checkBackendTls(check: RuleCheck, validation: BackendTlsValidation, path: FieldPath): void {
  const { caCertificateRefs = [], wellKnownCACertificates, subjectAltNames = [] } = validation
  if (caCertificateRefs.length > 0 && wellKnownCACertificates)
    check.add(
      'contradiction',
      [...path, 'wellKnownCACertificates'],
      'certificates are trusted by caCertificateRefs or by the roots of the system, not by both',
      'remove one of them',
    )
  subjectAltNames.forEach(({ type, hostname, uri }, index) => {
    const [own, other] = type === 'Hostname' ? [hostname, uri] : [uri, hostname]
    const [ownName, otherName] = type === 'Hostname' ? ['hostname', 'uri'] : ['uri', 'hostname']
    const at = [...path, 'subjectAltNames', index]
    if (own === undefined)
      check.add('missing-field', [...at, ownName], `type ${type} needs ${ownName}`, `write ${ownName}`)
    if (other !== undefined)
      check.add('contradiction', [...at, otherName], `type ${type} has no ${otherName}`, `remove ${otherName}`)
  })
}
