/**
 * One hop: processor time of the proxy's process a request, beside peers that do the same work, in turn, in
 * one run. Only ratios mean something on a small shared machine (bench/README.md).
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { send } from '../test/contract/http-client.ts'
import { eventually, freePort } from '../test/contract/suite.ts'
import { startBackend } from './backend.ts'
import { benchHost, cases, type Kind, type Ports } from './case.ts'
import { openLoop, wrk } from './load.ts'
import { weftInbound, weftInboundWithRules } from './peer/access.ts'
import { envoy } from './peer/envoy.ts'
import { haproxy } from './peer/haproxy.ts'
import { nginx } from './peer/nginx.ts'
import { envoyPairHttp1, envoyPairHttp2, weftPair } from './peer/pair.ts'
import type { Peer, PeerOptions, RunningPeer } from './peer/peer.ts'
import { weft } from './peer/weft.ts'
import { type Measured, measure } from './process.ts'

const peers: Record<string, Peer> = {
  weft,
  envoy,
  haproxy,
  nginx,
  'weft pair': weftPair,
  'envoy pair, h2': envoyPairHttp2,
  'envoy pair, h1': envoyPairHttp1,
  'weft inbound': weftInbound,
  'weft inbound, 100 rules': weftInboundWithRules,
}
/** A name stands for itself and what has it in front: `weft` for `weft pair` as well. */
function chosenPeers(names: string): string[] {
  const wanted = names.split(',')
  const unknown = wanted.find((name) => !(name in peers))
  if (unknown !== undefined) throw new Error(`no peer is called ${unknown}; there are ${Object.keys(peers).join(', ')}`)
  return Object.keys(peers).filter((name) => wanted.some((one) => name === one || name.startsWith(`${one} `)))
}

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    case: { type: 'string', default: '' },
    only: { type: 'string', default: 'weft,envoy,haproxy,nginx' },
    rounds: { type: 'string' },
    warm: { type: 'string', default: '8' },
    compare: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

interface Round {
  case: string
  peer: string
  cpuUs: number
  requestsPerSecond: number
  errors: number
  residentMb: number
  proportionalMb: number
}

const chosenCases = cases.filter(({ name }) => name.includes(values.case))

/** From the last start to `at rest`, ms. */
const restMs = 5000

const median = (numbers: number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, index) => (index === 0 ? String(cell).padEnd(24) : String(cell).padStart(11))).join(' ')
}

interface Effort {
  count: number
  seconds: number
}

interface Results {
  rounds: readonly Round[]
  latency: Record<string, number[]>
  /** Before any load, and at 1,000 connections. */
  rest: Record<string, Measured>
  crowded: Record<string, Measured>
}

function report({ rounds, latency, rest, crowded }: Results): void {
  for (const { name, unit } of cases) {
    if (!rounds.some((round) => round.case === name)) continue
    const of = (peer: string): Round[] => rounds.filter((round) => round.case === name && round.peer === peer)
    // Of several Envoys the better one; where there is none, what ours costs without what is measured.
    const hasEnvoy = Object.keys(rest).some((peer) => peer.startsWith('envoy') && of(peer).length > 0)
    const [envoy = []] = Object.keys(peers)
      .filter((peer) => peer.startsWith('envoy') || (!hasEnvoy && peer === 'weft inbound'))
      .map((peer) => of(peer).map(({ cpuUs }) => cpuUs))
      .filter((cpu) => cpu.length > 0)
      .sort((a, b) => median(a) - median(b))
    console.log(
      `\n${name}: processor µs a ${unit} (min / median), ratio to Envoy (median of rounds)\n${row(['proxy', 'min', 'median', 'ratio', `${unit}s/s`, 'RSS MB', 'PSS MB', 'errors'])}`,
    )
    for (const peer of Object.keys(rest)) {
      const all = of(peer)
      if (all.length === 0) continue
      const cpu = all.map(({ cpuUs }) => cpuUs)
      const pick = (key: 'residentMb' | 'proportionalMb' | 'requestsPerSecond' | 'errors'): number =>
        median(all.map((round) => round[key]))
      // Round by round: what the machine did meanwhile it did to both.
      const ratios = cpu.flatMap((one, i) => (envoy[i] === undefined ? [] : [one / envoy[i]]))
      const ratio = ratios.length > 0 ? median(ratios).toFixed(2) : '-'
      console.log(
        row([
          peer,
          Math.min(...cpu).toFixed(1),
          median(cpu).toFixed(1),
          ratio,
          pick('requestsPerSecond').toFixed(0),
          pick('residentMb').toFixed(1),
          pick('proportionalMb').toFixed(1),
          pick('errors'),
        ]),
      )
    }
  }
  if (Object.keys(latency).length === 0) return
  console.log(
    '\nlatency at 1,000 requests/s over 32 connections, ms; resident memory, MB, at rest and at 1,000 connections',
  )
  console.log(row(['proxy', 'p50', 'p99', 'p99.9', 'at rest', 'at 1,000']))
  for (const [peer, sorted] of Object.entries(latency)) {
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2)
    const [resting, busy] = [rest[peer]!.residentMb.toFixed(1), crowded[peer]!.residentMb.toFixed(1)]
    console.log(row([peer, at(0.5), at(0.99), at(0.999), resting, busy]))
  }
}

interface Running {
  name: string
  ports: Ports
  kinds: readonly Kind[]
  peer: RunningPeer
}

/** Starts a peer and waits until it answers. */
async function startPeer(
  name: string,
  { upstream, folder }: Pick<PeerOptions, 'upstream' | 'folder'>,
): Promise<Running> {
  const { kinds, start } = peers[name]!
  const ports = {
    http1: await freePort(),
    http2: await freePort(),
    tcp: await freePort(),
    pair: await freePort(),
    access: await freePort(),
  }
  const own = join(folder, name.replaceAll(/\W+/g, '-'))
  mkdirSync(own)
  const peer = await start({ upstream, ports, folder: own, profile: values.profile })
  await eventually(async () => {
    const answer = await send(ports[kinds[0]!], { path: '/api/100', host: benchHost, headers: { 'x-user': 'bench' } })
    if (answer.status !== 200) throw new Error(`${name} answers ${answer.status}: ${answer.body}`)
  }, 15_000)
  return { name, ports, kinds, peer }
}

/**
 * A sidecar runs for days: what its first seconds cost, while its code is compiled, is told by nobody's mean. Measured: in the fourth second of a
 * load a tenth of our processor time is the compiler's, in the tenth next to nothing.
 */
const warmSeconds = Number(values.warm)

/** Every case for every peer that can do it, in turn. */
async function runRounds(running: readonly Running[], { count, seconds }: Effort): Promise<Round[]> {
  const rounds: Round[] = []
  for (const one of chosenCases) {
    for (const { ports, kinds } of running) if (kinds.includes(one.kind)) await one.run(ports[one.kind], warmSeconds)
  }
  for (let round = 0; round < count; round++) {
    for (const one of chosenCases) {
      for (const { name, ports, peer } of running.filter(({ kinds }) => kinds.includes(one.kind))) {
        const before = measure(peer.pids())
        const load = await one.run(ports[one.kind], seconds)
        const after = measure(peer.pids())
        rounds.push({
          case: one.name,
          peer: name,
          cpuUs: (after.cpuUs - before.cpuUs) / load.units,
          requestsPerSecond: load.unitsPerSecond,
          errors: load.errors,
          residentMb: after.residentMb,
          proportionalMb: after.proportionalMb,
        })
      }
    }
    console.error(`round ${round + 1} of ${count} done`)
  }
  return rounds
}

/** In turn, and the first pass does not count: a cold generator's own pauses would be put down to whoever comes first. */
async function measureLatency(running: readonly Running[], passes: number): Promise<Record<string, number[]>> {
  const latency: Record<string, number[]> = {}
  for (let pass = 0; pass <= passes; pass++) {
    for (const { name, ports } of running) {
      const load = { port: ports.http1, path: '/api/1000', host: benchHost, connections: 32, seconds: 2, rate: 1000 }
      const latencies = await openLoop(load)
      if (pass > 0) latency[name] = [...(latency[name] ?? []), ...latencies].sort((a, b) => a - b)
    }
  }
  return latency
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(
      'npm run bench -- [--quick] [--only weft,envoy,haproxy,nginx] [--case TEXT] [--rounds N] [--warm SECONDS] [--profile] [--compare FILE]',
    )
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'))
  const effort = { count: Number(values.rounds ?? (values.quick ? 2 : 5)), seconds: values.quick ? 2 : 4 }
  const names = chosenPeers(values.only).filter((name) =>
    chosenCases.some(({ kind }) => peers[name]!.kinds.includes(kind)),
  )
  const backend = await startBackend(folder)
  const running: Running[] = []
  const results: Results = { rounds: [], latency: {}, rest: {}, crowded: {} }
  try {
    for (const name of names) running.push(await startPeer(name, { upstream: backend.ports, folder }))
    // At rest is when start-up is over for all of them: ours lets go of what it needed for that after three seconds.
    await new Promise((resolve) => setTimeout(resolve, restMs))
    for (const { name, peer } of running) results.rest[name] = measure(peer.pids())
    results.rounds = await runRounds(running, effort)
    const single = running.filter(({ kinds }) => kinds.includes('http1'))
    for (const { name, ports, peer } of single) {
      await wrk({ port: ports.http1, path: '/api/100', host: benchHost, connections: 1000, seconds: effort.seconds })
      results.crowded[name] = measure(peer.pids())
    }
    results.latency = await measureLatency(single, values.quick ? 2 : 4)
  } finally {
    for (const { peer } of running) await peer.stop()
    await backend.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  report(results)
  save(results.rounds)
  if (values.compare) compare(results.rounds, values.compare)
}

function save(rounds: readonly Round[]): void {
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version }
  const file = fileURLToPath(new URL(`./results/${commit}.local.json`, import.meta.url))
  mkdirSync(fileURLToPath(new URL('./results/', import.meta.url)), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ commit, machine, rounds }, null, 1)}\n`)
  console.log(`\nwritten to bench/results/${commit}.local.json`)
}

/** Ratios to Envoy then and now: only those survive a change of machine. */
function compare(now: readonly Round[], file: string): void {
  const then: Round[] = JSON.parse(readFileSync(file, 'utf8')).rounds
  const ratio = (rounds: readonly Round[], name: string): number => {
    const of = (peer: string): number =>
      median(rounds.filter((round) => round.case === name && round.peer === peer).map(({ cpuUs }) => cpuUs))
    return of('weft') / of('envoy')
  }
  for (const { name } of cases)
    console.log(`${name}: ${ratio(then, name).toFixed(3)} then, ${ratio(now, name).toFixed(3)} now`)
}

await main()
