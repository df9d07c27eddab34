/** Kubernetes' own kinds, as far as a mesh reads them. Fields that only a kubelet or a controller reads pass through unread. */
import { z } from 'zod'

const label = z.string()
const dnsName = z.string().min(1).max(253)
const port = z.int().min(1).max(65535)
const intOrName = z.union([z.int().min(1).max(65535), z.string().min(1).max(63)])

export const metadataSchema = z.looseObject({
  name: dnsName,
  namespace: dnsName.optional(),
  labels: z.record(z.string(), label).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  generation: z.int().optional(),
  creationTimestamp: z.string().optional(),
  deletionTimestamp: z.string().optional(),
  ownerReferences: z.array(z.looseObject({ kind: z.string(), name: z.string() })).optional(),
})

export const namespaceSchema = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Namespace'),
  metadata: metadataSchema,
})

export const serviceAccountSchema = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ServiceAccount'),
  metadata: metadataSchema,
})

export const servicePortSchema = z.strictObject({
  name: z.string().optional(),
  port,
  targetPort: intOrName.optional(),
  nodePort: z.int().optional(),
  protocol: z.enum(['TCP', 'UDP', 'SCTP']).optional(),
  appProtocol: z.string().optional(),
})

export const serviceSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata: metadataSchema,
  spec: z.looseObject({
    selector: z.record(z.string(), label).optional(),
    ports: z.array(servicePortSchema).optional(),
    clusterIP: z.string().optional(),
    clusterIPs: z.array(z.string()).optional(),
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).optional(),
    externalName: z.string().optional(),
    publishNotReadyAddresses: z.boolean().optional(),
  }),
  status: z.unknown().optional(),
})

const probeSchema = z.looseObject({
  httpGet: z.looseObject({ path: z.string().optional(), port: intOrName, host: z.string().optional() }).optional(),
  tcpSocket: z.looseObject({ port: intOrName }).optional(),
  exec: z.looseObject({ command: z.array(z.string()) }).optional(),
  initialDelaySeconds: z.int().min(0).optional(),
  periodSeconds: z.int().min(1).optional(),
  timeoutSeconds: z.int().min(1).optional(),
  successThreshold: z.int().min(1).optional(),
  failureThreshold: z.int().min(1).optional(),
})

export const containerSchema = z.looseObject({
  name: z.string(),
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z.array(z.looseObject({ name: z.string(), value: z.string().optional() })).optional(),
  ports: z
    .array(z.looseObject({ containerPort: port, name: z.string().optional(), protocol: z.string().optional() }))
    .optional(),
  readinessProbe: probeSchema.optional(),
})

export const podSpecSchema = z.looseObject({
  serviceAccountName: z.string().optional(),
  nodeName: z.string().optional(),
  terminationGracePeriodSeconds: z.int().min(0).optional(),
  containers: z.array(containerSchema).min(1),
})

export const podSchema = z.looseObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Pod'),
  metadata: metadataSchema,
  spec: podSpecSchema,
  status: z
    .looseObject({
      phase: z.string().optional(),
      podIP: z.string().optional(),
      podIPs: z.array(z.looseObject({ ip: z.string() })).optional(),
      conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).optional(),
    })
    .optional(),
})

export const deploymentSchema = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata: metadataSchema,
  spec: z.looseObject({
    replicas: z.int().min(0).optional(),
    selector: z.looseObject({ matchLabels: z.record(z.string(), label).optional() }),
    template: z.looseObject({
      metadata: z.looseObject({
        labels: z.record(z.string(), label).optional(),
        annotations: z.record(z.string(), z.string()).optional(),
      }),
      spec: podSpecSchema,
    }),
  }),
  status: z.unknown().optional(),
})

export const endpointSliceSchema = z.looseObject({
  apiVersion: z.literal('discovery.k8s.io/v1'),
  kind: z.literal('EndpointSlice'),
  metadata: metadataSchema,
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']),
  endpoints: z.array(
    z.looseObject({
      addresses: z.array(z.string()).min(1),
      conditions: z
        .looseObject({
          ready: z.boolean().optional(),
          serving: z.boolean().optional(),
          terminating: z.boolean().optional(),
        })
        .optional(),
      targetRef: z
        .looseObject({ kind: z.string().optional(), namespace: z.string().optional(), name: z.string().optional() })
        .optional(),
      zone: z.string().optional(),
    }),
  ),
  ports: z
    .array(z.looseObject({ name: z.string().optional(), port: port.optional(), protocol: z.string().optional() }))
    .optional(),
})

export type Metadata = z.infer<typeof metadataSchema>
export type Namespace = z.infer<typeof namespaceSchema>
export type ServiceAccount = z.infer<typeof serviceAccountSchema>
export type Service = z.infer<typeof serviceSchema>
export type Pod = z.infer<typeof podSchema>
export type Deployment = z.infer<typeof deploymentSchema>
export type EndpointSlice = z.infer<typeof endpointSliceSchema>
export type Container = z.infer<typeof containerSchema>
export type Probe = z.infer<typeof probeSchema>
