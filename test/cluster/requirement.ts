/** What the machine must have. What Debian can give is installed; what it can't is told, all at once. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/** A file that a package brings, and the package. */
const packages: Record<string, string> = {
  '/usr/bin/etcd': 'etcd-server',
  '/usr/bin/containerd': 'containerd',
  '/usr/sbin/runc': 'runc',
  '/usr/lib/cni/bridge': 'containernetworking-plugins',
  '/usr/sbin/nft': 'nftables',
  '/usr/sbin/iptables': 'iptables',
  '/usr/sbin/conntrack': 'conntrack',
  '/usr/bin/tini': 'tini',
  '/usr/bin/unshare': 'util-linux',
  '/sbin/ip': 'iproute2',
}

function hasProgram(name: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status === 0
}

/** What is missing and can't be installed; empty when a cluster can run. */
export function missingRequirements(): string[] {
  const missing: string[] = []
  if (process.platform !== 'linux') missing.push(`Linux: this is ${process.platform}`)
  if (process.getuid?.() !== 0) missing.push('root: namespaces, mounts and cgroups need it')
  if (!hasProgram('go')) missing.push('Go: Kubernetes is built from its Go modules (https://go.dev/doc/install)')
  if (!existsSync('/sys/fs/cgroup')) missing.push('cgroups: /sys/fs/cgroup is not mounted')
  if (missingFiles().length > 0 && !hasProgram('apt-get'))
    missing.push(
      `apt-get, to install ${missingFiles()
        .map((file) => packages[file])
        .join(', ')}`,
    )
  return missing
}

const missingFiles = (): string[] => Object.keys(packages).filter((file) => !existsSync(file))

/** Installs what is missing from Debian. Nothing is started: the cluster runs its own copies. */
export function installPackages(tell: (line: string) => void): void {
  const wanted = missingFiles().map((file) => packages[file]!)
  if (wanted.length === 0) return
  tell(`installing ${wanted.join(', ')}`)
  // Debian starts services at install; a policy of 101 forbids it (Debian policy, invoke-rc.d).
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  const install = (): number | null =>
    spawnSync('apt-get', ['install', '-y', '--no-install-recommends', ...wanted], { env: environment, stdio: 'pipe' })
      .status
  if (install() !== 0) {
    execFileSync('apt-get', ['update'], { env: environment, stdio: 'pipe' })
    if (install() !== 0) throw new Error(`apt-get could not install ${wanted.join(', ')}`)
  }
  const left = missingFiles()
  if (left.length > 0) throw new Error(`still missing after apt-get: ${left.join(', ')}`)
}
