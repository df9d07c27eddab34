/** What `--isolate` needs of the machine. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

const packages = {
  ip: 'iproute2',
  nft: 'nftables',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
  mount: 'mount',
} as const

/** Absolute paths. */
export type Tools = Record<keyof typeof packages, string>

/** @returns the tools, or a sentence that says what is missing and what to do. */
export function findTools(options: { path: string; platform: string; uid: number }): Tools | string {
  const { path, platform, uid } = options
  if (platform !== 'linux') return '--isolate needs Linux and its network namespaces; leave it out on this machine'
  if (uid !== 0) return '--isolate needs root to make network namespaces; run it with sudo, or leave it out'
  const folders = [...path.split(delimiter), '/usr/sbin', '/sbin', '/usr/bin', '/bin'].filter(Boolean)
  const names = Object.keys(packages) as (keyof typeof packages)[]
  const found = new Map(names.map((name) => [name, folders.map((one) => join(one, name)).find(isProgram)]))
  const missing = names.filter((name) => !found.get(name))
  if (missing.length === 0) return Object.fromEntries(found) as Tools
  const wanted = [...new Set(missing.map((name) => packages[name]))].join(' ')
  return `--isolate needs ${missing.join(', ')}; on Debian: apt-get install ${wanted}`
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Not there, or not ours to run: as good as missing.
    return false
  }
}
