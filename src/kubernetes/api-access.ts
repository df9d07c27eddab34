/** Where the API server is and who we are: from inside a pod, or from a kubeconfig. */
import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { parse } from 'yaml'
import { formatHostPort } from '#/std/host-port.ts'

export interface ApiAccess {
  /** `https://198.18.24.2:6443`, without a slash at the end. */
  server: string
  /** PEM of the roots that the server is held against; the system's when absent. */
  roots?: string
  /** Said with each request; asked each time, since a pod's token is renewed in its file. */
  token?(): string
  clientCertificate?: { certificate: string; key: string }
  /** Of the context or the pod; for what names none. */
  namespace: string
}

const accountFolder = '/var/run/secrets/kubernetes.io/serviceaccount'

export interface PodEnvironment {
  /** `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, which every pod has. */
  host: string
  port: number
  folder?: string
}

/** @throws Error when the pod has no service account's files. */
export function accessFromPod({ host, port, folder = accountFolder }: PodEnvironment): ApiAccess {
  const read = (name: string): string => readFileSync(`${folder}/${name}`, 'utf8')
  // The kubelet renews the token at four fifths of its life: one read for each request costs less than knowing when.
  const token = (): string => read('token').trim()
  token()
  return {
    server: `https://${formatHostPort({ host, port })}`,
    roots: read('ca.crt'),
    token,
    namespace: read('namespace').trim(),
  }
}

interface Named<T> {
  name: string
  value: T
}
interface ClusterEntry {
  server?: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
}
interface UserEntry {
  token?: string
  tokenFile?: string
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  exec?: unknown
  'auth-provider'?: unknown
}

/** @throws Error with what the file lacks. Paths in it are relative to it. */
export function accessFromKubeconfig(path: string, contextName?: string): ApiAccess {
  const config = parse(readFileSync(path, 'utf8')) as Record<string, unknown> | null
  const home = dirname(resolve(path))
  const wanted = contextName ?? String(config?.['current-context'] ?? '')
  const fail = (reason: string): never => {
    throw new Error(`${path}: ${reason}`)
  }
  const context =
    find<{ cluster: string; user: string; namespace?: string }>(config?.contexts, wanted, 'context') ??
    fail(wanted ? `there is no context ${wanted}` : 'it has no current-context')
  const cluster =
    find<ClusterEntry>(config?.clusters, context.cluster, 'cluster') ?? fail(`there is no cluster ${context.cluster}`)
  const user = find<UserEntry>(config?.users, context.user, 'user') ?? {}
  if (user.exec || user['auth-provider'])
    fail(`user ${context.user} logs in by a program, which Weft does not run; give it a token`)
  const text = (data: string | undefined, file: string | undefined): string | undefined =>
    data ? Buffer.from(data, 'base64').toString() : file ? readFileSync(resolve(home, file), 'utf8') : undefined
  const roots = text(cluster['certificate-authority-data'], cluster['certificate-authority'])
  const certificate = text(user['client-certificate-data'], user['client-certificate'])
  const key = text(user['client-key-data'], user['client-key'])
  return {
    server: (cluster.server ?? fail(`cluster ${context.cluster} has no server`)).replace(/\/$/, ''),
    namespace: context.namespace ?? 'default',
    ...(roots ? { roots } : {}),
    ...tokenOf(user, home),
    ...(certificate && key ? { clientCertificate: { certificate, key } } : {}),
  }
}

function tokenOf({ token, tokenFile }: UserEntry, home: string): Pick<ApiAccess, 'token'> {
  if (tokenFile) return { token: () => readFileSync(resolve(home, tokenFile), 'utf8').trim() }
  return token ? { token: () => token } : {}
}

function find<T>(list: unknown, name: string, field: string): T | undefined {
  const rows = (Array.isArray(list) ? list : []) as (Named<T> & Record<string, T>)[]
  return rows.find((row) => row?.name === name)?.[field]
}
