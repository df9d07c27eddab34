/** ExternalService (`weft.dev/v1alpha1`): a destination outside the mesh, called like a Service of it. */
import { z } from 'zod'
import { backendTlsFields } from './backend-tls-policy.ts'
import { labelMetadataSchema } from './metadata.ts'
import { hostnamePattern, labelName, labels, portNumber, preciseHostnamePattern } from './text-form.ts'

/** Of Gateway API's listeners, and which HTTP. `TLS`: the application encrypts by itself. */
const protocol = z.enum(['HTTP', 'HTTP2', 'GRPC', 'TLS', 'TCP'])

const host = z.string().min(1).max(253).regex(hostnamePattern, 'a host name in lower case, perhaps with *. in front')

/** The sidecar encrypts what the application sends in plain text. */
const tlsSchema = z.strictObject({
  ...backendTlsFields,
  /** Server name that is sent and expected; absent: the host of the ExternalService. */
  hostname: z.string().min(1).max(253).regex(preciseHostnamePattern, 'a host name, without a wildcard').optional(),
})

const portSchema = z.strictObject({
  name: labelName.optional(),
  port: portNumber,
  /** Where it answers; absent: `port`. */
  targetPort: portNumber.optional(),
  protocol,
  tls: tlsSchema.optional(),
})

export const externalServiceSchema = z.strictObject({
  apiVersion: z.literal('weft.dev/v1alpha1'),
  kind: z.literal('ExternalService'),
  metadata: labelMetadataSchema,
  spec: z.strictObject({
    /** Exact names, or `*.suffix`. The first names it in metrics. */
    hosts: z.array(host).min(1).max(32),
    ports: z.array(portSchema).min(1).max(32),
    /**
     * `DNS` (default): names are looked up, those of `endpoints` or else the host that is called. `Static`: `endpoints` are
     * addresses. `None`: wherever the application's connection was going.
     */
    resolution: z.enum(['DNS', 'Static', 'None']).optional(),
    endpoints: z
      .array(z.strictObject({ address: z.string().min(1).max(253), port: portNumber.optional() }))
      .min(1)
      .max(128)
      .optional(),
    /** Who may call it, as Gateway API's `allowedRoutes` says who may attach. Absent: its own namespace. */
    allowedCallers: z
      .strictObject({
        namespaces: z.strictObject({
          from: z.enum(['Same', 'All', 'Selector']),
          selector: z.strictObject({ matchLabels: labels }).optional(),
        }),
      })
      .optional(),
  }),
  status: z.unknown().optional(),
})

export type ExternalService = z.infer<typeof externalServiceSchema>
export type ExternalPort = z.infer<typeof portSchema>
