/**
 * Kubernetes' own kinds (1.37), as far as a mesh reads them. Strict where users of a mesh write: an unknown field is a fault.
 * Tolerant in the pod spec and in statuses: what only a kubelet or a controller reads passes through unread.
 */
import { z } from 'zod'
import { labelMetadataSchema, metadataSchema, templateMetadataSchema } from './metadata.ts'
import { containerPortName, labelName, labels, portNumber, qualifiedName, subdomainName } from './text-form.ts'

export type { Metadata } from './metadata.ts'

const targetPort = z.union([portNumber, containerPortName])
const protocol = z.enum(['TCP', 'UDP', 'SCTP'])

export const namespaceSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Namespace'),
  metadata: labelMetadataSchema,
  spec: z.unknown().optional(),
  status: z.unknown().optional(),
})

export const serviceAccountSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('ServiceAccount'),
  metadata: metadataSchema,
  automountServiceAccountToken: z.boolean().optional(),
  imagePullSecrets: z.unknown().optional(),
  secrets: z.unknown().optional(),
})

export const servicePortSchema = z.strictObject({
  name: labelName.optional(),
  port: portNumber,
  targetPort: targetPort.optional(),
  nodePort: portNumber.optional(),
  protocol: protocol.optional(),
  appProtocol: qualifiedName.optional(),
})

export const serviceSchema = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata: labelMetadataSchema,
  spec: z.strictObject({
    selector: labels.optional(),
    ports: z.array(servicePortSchema).optional(),
    clusterIP: z.string().optional(),
    clusterIPs: z.array(z.string()).max(2).optional(),
    type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName']).optional(),
    externalName: z.string().optional(),
    publishNotReadyAddresses: z.boolean().optional(),
    allocateLoadBalancerNodePorts: z.boolean().optional(),
    externalIPs: z.array(z.string()).optional(),
    externalTrafficPolicy: z.enum(['Cluster', 'Local']).optional(),
    healthCheckNodePort: z.int().optional(),
    internalTrafficPolicy: z.enum(['Cluster', 'Local']).optional(),
    ipFamilies: z
      .array(z.enum(['IPv4', 'IPv6']))
      .max(2)
      .optional(),
    ipFamilyPolicy: z.enum(['SingleStack', 'PreferDualStack', 'RequireDualStack']).optional(),
    loadBalancerClass: z.string().optional(),
    loadBalancerIP: z.string().optional(),
    loadBalancerSourceRanges: z.array(z.string()).optional(),
    sessionAffinity: z.enum(['None', 'ClientIP']).optional(),
    sessionAffinityConfig: z.unknown().optional(),
    trafficDistribution: z.string().optional(),
  }),
  status: z.unknown().optional(),
})

const probeSchema = z.looseObject({
  httpGet: z
    .looseObject({
      path: z.string().optional(),
      port: targetPort,
      host: z.string().optional(),
      scheme: z.enum(['HTTP', 'HTTPS']).optional(),
      httpHeaders: z.array(z.looseObject({ name: z.string(), value: z.string() })).optional(),
    })
    .optional(),
  tcpSocket: z.looseObject({ port: targetPort, host: z.string().optional() }).optional(),
  exec: z.looseObject({ command: z.array(z.string()) }).optional(),
  initialDelaySeconds: z.int().min(0).optional(),
  periodSeconds: z.int().min(1).optional(),
  timeoutSeconds: z.int().min(1).optional(),
  successThreshold: z.int().min(1).optional(),
  failureThreshold: z.int().min(1).optional(),
})

export const containerPortSchema = z.looseObject({
  containerPort: portNumber,
  name: containerPortName.optional(),
  protocol: protocol.optional(),
})

export const containerSchema = z.looseObject({
  name: labelName,
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  workingDir: z.string().optional(),
  env: z.array(z.looseObject({ name: z.string().min(1), value: z.string().optional() })).optional(),
  ports: z.array(containerPortSchema).optional(),
  readinessProbe: probeSchema.optional(),
})

export const podSpecSchema = z.looseObject({
  serviceAccountName: z.string().optional(),
  nodeName: z.string().optional(),
  terminationGracePeriodSeconds: z.int().min(0).optional(),
  enableServiceLinks: z.boolean().optional(),
  containers: z.array(containerSchema).min(1),
})

export const podSchema = z.strictObject({
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

const labelSelectorSchema = z.strictObject({
  matchLabels: labels.optional(),
  matchExpressions: z
    .array(
      z.strictObject({
        key: qualifiedName,
        operator: z.enum(['In', 'NotIn', 'Exists', 'DoesNotExist']),
        values: z.array(z.string()).optional(),
      }),
    )
    .optional(),
})

export const deploymentSchema = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata: metadataSchema,
  spec: z.strictObject({
    replicas: z.int().min(0).optional(),
    selector: labelSelectorSchema,
    template: z.strictObject({ metadata: templateMetadataSchema, spec: podSpecSchema }),
    minReadySeconds: z.int().min(0).optional(),
    paused: z.boolean().optional(),
    progressDeadlineSeconds: z.int().min(0).optional(),
    revisionHistoryLimit: z.int().min(0).optional(),
    strategy: z.unknown().optional(),
  }),
  status: z.unknown().optional(),
})

export const endpointSliceSchema = z.strictObject({
  apiVersion: z.literal('discovery.k8s.io/v1'),
  kind: z.literal('EndpointSlice'),
  metadata: metadataSchema,
  addressType: z.enum(['IPv4', 'IPv6', 'FQDN']),
  endpoints: z
    .array(
      z.looseObject({
        addresses: z.array(z.string()).min(1).max(100),
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
    )
    .max(1000),
  ports: z
    .array(
      z.looseObject({
        // The name of a port of the Service; empty for its only one.
        name: z.union([z.literal(''), subdomainName]).optional(),
        port: portNumber.optional(),
        protocol: protocol.optional(),
      }),
    )
    .max(20_000)
    .optional(),
})

export type Namespace = z.infer<typeof namespaceSchema>
export type ServiceAccount = z.infer<typeof serviceAccountSchema>
export type Service = z.infer<typeof serviceSchema>
export type ServicePort = z.infer<typeof servicePortSchema>
export type Pod = z.infer<typeof podSchema>
export type Deployment = z.infer<typeof deploymentSchema>
export type EndpointSlice = z.infer<typeof endpointSliceSchema>
export type Container = z.infer<typeof containerSchema>
export type Probe = z.infer<typeof probeSchema>
