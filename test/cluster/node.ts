/**
 * A node, from inside: `tini` starts this in namespaces of its own (processes, mounts, network). It makes the place ready, starts the
 * components in order and ends with any of them, told in `node.log`. When it ends the kernel ends every process, mount and link here.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Component, nodeComponents } from './component.ts'
import type { Plan } from './plan.ts'

const readyWaitMaxMs = 120_000

/** Folders that programs write outside those they are told: each cluster has its own. */
function mountPrivateFolders({ folder }: Plan): void {
  const run = (...args: string[]): void => void execFileSync('mount', args)
  run('--make-rshared', '/')
  run('-t', 'tmpfs', '-o', 'mode=755', 'tmpfs', '/run')
  for (const [own, place] of [
    ['var-lib', '/var/lib'],
    ['var-log', '/var/log'],
  ] as const) {
    mkdirSync(join(folder, own), { recursive: true })
    run('--bind', join(folder, own), place)
  }
  // The API server's audit of systemd, and kubelet's of the machine's id, find nothing here and go on.
  mkdirSync('/run/netns', { recursive: true })
}

function configureNetwork({ hostAddress, nodeAddress, folder, podRange }: Plan): void {
  const ip = (...args: string[]): void => void execFileSync('ip', args)
  ip('link', 'set', 'lo', 'up')
  ip('link', 'set', 'node0', 'up')
  ip('address', 'add', `${nodeAddress}/30`, 'dev', 'node0')
  ip('route', 'add', 'default', 'via', hostAddress)
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
  const bridge = {
    type: 'bridge',
    bridge: 'cni0',
    isGateway: true,
    ipMasq: true,
    hairpinMode: true,
    ipam: {
      type: 'host-local',
      ranges: [[{ subnet: podRange.replace('.0/20', '.0/24') }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  }
  const list = {
    cniVersion: '0.4.0',
    name: 'weft-test',
    plugins: [bridge, { type: 'portmap', capabilities: { portMappings: true } }],
  }
  const file = join(folder, 'cni/10-bridge.conflist')
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, JSON.stringify(list))
}

function start({ name, command, args }: Component, folder: string): ChildProcess {
  mkdirSync(join(folder, 'log'), { recursive: true })
  const log = openSync(join(folder, 'log', `${name}.log`), 'a')
  const child = spawn(command, args, { stdio: ['ignore', log, log] })
  child.on('error', (error) => stop(`${name} can't be started: ${error.message}`))
  child.on('exit', (code, signal) => stop(`${name} ended (${signal ?? code}); see log/${name}.log`))
  return child
}

function stop(reason: string): never {
  console.log(reason)
  process.exit(1)
}

async function waitFor({ name, isReady }: Component): Promise<void> {
  const startMs = performance.now()
  while (isReady && !(await isReady())) {
    if (performance.now() - startMs > readyWaitMaxMs)
      stop(`${name} is not ready after ${readyWaitMaxMs / 1000} s; see log/${name}.log`)
    await wait(100)
  }
}

async function main(folder: string): Promise<void> {
  const plan: Plan = JSON.parse(readFileSync(join(folder, 'plan.json'), 'utf8'))
  mountPrivateFolders(plan)
  configureNetwork(plan)
  for (const component of nodeComponents(plan)) {
    start(component, folder)
    await waitFor(component)
    console.log(`${component.name} started`)
  }
  process.on('SIGTERM', () => stop('asked to stop'))
}

await main(process.argv[2]!)
