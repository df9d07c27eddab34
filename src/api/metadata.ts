/** What every object says of itself (`ObjectMeta`, apimachinery meta/v1). Strict: its fields have not changed in years. */
import { z } from 'zod'
import { labelName, labels, qualifiedName, subdomainName } from './text-form.ts'

const fields = {
  name: subdomainName,
  generateName: z.string().optional(),
  namespace: labelName.optional(),
  labels: labels.optional(),
  annotations: z.record(qualifiedName, z.string()).optional(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  deletionGracePeriodSeconds: z.int().optional(),
  ownerReferences: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
  finalizers: z.array(z.string()).optional(),
  managedFields: z.unknown().optional(),
  resourceVersion: z.string().optional(),
  selfLink: z.string().optional(),
  uid: z.string().optional(),
}

export const metadataSchema = z.strictObject(fields)

/** Of kinds whose names become a part of a DNS name: Namespace, Service. */
export const labelMetadataSchema = z.strictObject({ ...fields, name: labelName })

/** Of a template of pods: nothing is required there. */
export const templateMetadataSchema = z.strictObject({ ...fields, name: subdomainName.optional() })

export type Metadata = z.infer<typeof metadataSchema>
