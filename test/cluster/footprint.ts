/** What a cluster could leave on the machine, as lists that can be compared before and after. */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { readSettings } from './kernel-setting.ts'

/** Programs of a node: any other process is none of ours. */
const nodePrograms = /^(etcd|containerd.*|kube-.*|kubelet.*|coredns.*|pause.*|tini|runc)$/

export interface Footprint {
  processes: string[]
  mounts: string[]
  namespaces: string[]
  links: string[]
  routes: string[]
  rules: string[]
  cgroups: string[]
  settings: Record<string, string>
}

const run = (command: string, ...args: string[]): string[] =>
  execFileSync(command, args, { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line !== '')

export function footprint(): Footprint {
  return {
    processes: nodeProcesses(),
    mounts: readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .filter((line) => !line.includes('fuse'))
      .sort(),
    namespaces: run('lsns', '-t', 'net', '-n', '-o', 'COMMAND').filter((line) =>
      /tini|weft-test|kube|pause/.test(line),
    ),
    links: run('ip', '-o', 'link')
      .map((line) => line.split(':')[1]!.trim().split('@')[0]!)
      .filter((name) => /^(weftc|cni|veth)/.test(name)),
    routes: run('ip', 'route').filter((line) => line.startsWith('198.18.')),
    rules: run('nft', 'list', 'tables').filter((line) => /kube|cni|weft-test/i.test(line)),
    cgroups: readdirSync('/sys/fs/cgroup').flatMap(cgroupsOf),
    settings: readSettings(),
  }
}

function nodeProcesses(): string[] {
  const found: string[] = []
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const name = nameOf(pid)
    if (nodePrograms.test(name)) found.push(`${pid} ${name}`)
  }
  return found
}

function nameOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`).split('/').at(-1)!
  } catch {
    // It ended, or is a kernel thread: neither is a program.
    return ''
  }
}

function cgroupsOf(hierarchy: string): string[] {
  try {
    return readdirSync(`/sys/fs/cgroup/${hierarchy}`)
      .filter((name) => name.startsWith('weft-test-'))
      .map((name) => `${hierarchy}/${name}`)
  } catch {
    // A file, as version 2 has them beside its groups.
    return []
  }
}
