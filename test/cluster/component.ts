/** The programs of a node: with which arguments, and when each can be counted on. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { accessFromKubeconfig } from '#/kubernetes/api-access.ts'
import { ApiClient } from '#/kubernetes/api-client.ts'
import { ApiError } from '#/kubernetes/api-error.ts'
import { programPath } from './go-build.ts'
import { kubeconfigPath } from './kubeconfig.ts'
import { type AccountName, apiPort, nodeName, type Plan } from './plan.ts'

export interface Component {
  name: string
  command: string
  args: string[]
  /** Asked every 100 ms before the next component starts. */
  isReady?: () => boolean | Promise<boolean>
}

export const containerdSocket = '/run/containerd/containerd.sock'

/** In the order of starting: each needs those before it. */
export function nodeComponents(plan: Plan): Component[] {
  return [
    etcd(plan),
    containerd(plan),
    apiServer(plan),
    controllerManager(plan),
    scheduler(plan),
    kubelet(plan),
    kubeProxy(plan),
  ]
}

function isOpen(port: number, host: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect(port, host)
  socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}

function etcd({ folder }: Plan): Component {
  const client = 'http://127.0.0.1:2379'
  const args = ['--name', nodeName, '--data-dir', join(folder, 'etcd'), '--listen-client-urls', client]
  args.push('--advertise-client-urls', client, '--listen-peer-urls', 'http://127.0.0.1:2380', '--logger', 'zap')
  args.push(
    '--initial-advertise-peer-urls',
    'http://127.0.0.1:2380',
    '--initial-cluster',
    `${nodeName}=http://127.0.0.1:2380`,
  )
  return { name: 'etcd', command: '/usr/bin/etcd', args, isReady: () => isOpen(2379, '127.0.0.1') }
}

function containerd({ folder }: Plan): Component {
  const file = join(folder, 'containerd.toml')
  writeFileSync(
    file,
    `version = 2
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
  address = "${containerdSocket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "weft.test/pause:v1"
  # A negative OOM score needs CAP_SYS_RESOURCE, which virtual machines for tests often lack.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`,
  )
  mkdirSync(join(folder, 'cni'), { recursive: true })
  return {
    name: 'containerd',
    command: '/usr/bin/containerd',
    args: ['--config', file],
    isReady: () => existsSync(containerdSocket),
  }
}

function apiServer(plan: Plan): Component {
  const { folder, nodeAddress, serviceRange } = plan
  const key = join(folder, 'service-account.key')
  return {
    name: 'kube-apiserver',
    command: programPath('kube-apiserver'),
    args: [
      '--etcd-servers=http://127.0.0.1:2379',
      `--cert-dir=${folder}/pki`,
      `--advertise-address=${nodeAddress}`,
      `--secure-port=${apiPort}`,
      `--service-cluster-ip-range=${serviceRange}`,
      `--token-auth-file=${folder}/tokens.csv`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-key-file=${key}`,
      `--service-account-signing-key-file=${key}`,
      // Node names don't resolve.
      '--kubelet-preferred-address-types=InternalIP',
    ],
    isReady: () => isApiReady(plan),
  }
}

/** Ready means with its default roles: who comes earlier is forbidden everything, and ends. */
async function isApiReady(plan: Plan): Promise<boolean> {
  if (!existsSync(join(plan.folder, 'pki/apiserver.crt'))) return false
  const client = new ApiClient(accessFromKubeconfig(kubeconfigPath(plan)))
  try {
    const health = await client.request<string>({ method: 'GET', path: '/readyz', what: 'get readiness', isText: true })
    return health === 'ok'
  } catch (error) {
    if (error instanceof ApiError) return false
    throw error
  } finally {
    client.stop()
  }
}

function controllerManager(plan: Plan): Component {
  const { folder, podRange } = plan
  return {
    name: 'kube-controller-manager',
    command: programPath('kube-controller-manager'),
    args: [
      ...kubeconfigFlags(plan, 'controller-manager'),
      `--service-account-private-key-file=${folder}/service-account.key`,
      `--root-ca-file=${folder}/pki/apiserver.crt`,
      '--use-service-account-credentials=true',
      '--allocate-node-cidrs=true',
      `--cluster-cidr=${podRange}`,
      '--node-cidr-mask-size=24',
      '--leader-elect=false',
    ],
  }
}

function scheduler(plan: Plan): Component {
  const args = [...kubeconfigFlags(plan, 'scheduler'), '--leader-elect=false']
  return { name: 'kube-scheduler', command: programPath('kube-scheduler'), args }
}

function kubeconfigFlags(plan: Plan, account: AccountName): string[] {
  const path = kubeconfigPath(plan, account)
  return [`--kubeconfig=${path}`, `--authentication-kubeconfig=${path}`, `--authorization-kubeconfig=${path}`]
}

function kubelet(plan: Plan): Component {
  const { folder, dnsAddress, nodeAddress, cgroup } = plan
  const config = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDomain: 'cluster.local',
    clusterDNS: [dnsAddress],
    resolvConf: join(folder, 'resolv.conf'),
    // Reachable from the node and its pods alone: the network namespace is its fence.
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    // Images come from files: what was collected would not come back.
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    makeIPTablesUtilChains: false,
    // A test waits for what it changed: look often.
    syncFrequency: '10s',
    nodeStatusUpdateFrequency: '5s',
    maxPods: 110,
  }
  const file = join(folder, 'kubelet.json')
  writeFileSync(file, JSON.stringify(config))
  writeFileSync(join(folder, 'resolv.conf'), '')
  return {
    name: 'kubelet',
    command: programPath('kubelet'),
    args: [
      `--config=${file}`,
      `--kubeconfig=${kubeconfigPath(plan, 'kubelet')}`,
      `--root-dir=${folder}/kubelet`,
      `--hostname-override=${nodeName}`,
      `--node-ip=${nodeAddress}`,
      '--node-labels=topology.kubernetes.io/zone=zone-a,topology.kubernetes.io/region=region-a',
    ],
  }
}

function kubeProxy(plan: Plan): Component {
  const config = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    clientConnection: { kubeconfig: kubeconfigPath(plan, 'kube-proxy') },
    mode: 'nftables',
    clusterCIDR: plan.podRange,
    hostnameOverride: nodeName,
    // Connection tracking's limits belong to the machine, not to a namespace: they are left alone.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
  }
  const file = join(plan.folder, 'kube-proxy.json')
  writeFileSync(file, JSON.stringify(config))
  return { name: 'kube-proxy', command: programPath('kube-proxy'), args: [`--config=${file}`] }
}
