/**
 * One hop over HTTP/1.1: processor time of the proxy's process a request, beside peers that do the same work, in turn, in
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
import { openLoop, wrk } from './load.ts'
import { benchHost, peers } from './peer.ts'
import { type Measured, measure, start, stop } from './process.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    only: { type: 'string', default: 'weft,envoy,haproxy,nginx' },
    rounds: { type: 'string' },
    compare: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

interface Case {
  name: string
  path: string
  connections: number
}

const cases: Case[] = [
  { name: '100 B, 32 connections', path: '/api/100', connections: 32 },
  { name: '100 B, 64 connections', path: '/api/100', connections: 64 },
  { name: '1 KB, 64 connections', path: '/api/1000', connections: 64 },
]

interface Round {
  case: string
  peer: string
  cpuUs: number
  requestsPerSecond: number
  errors: number
  residentMb: number
  proportionalMb: number
}

/** A backend whose own cost is not counted: nginx, answering fixed bodies. */
async function startBackend(folder: string): Promise<{ port: number; stop: () => Promise<void> }> {
  const port = await freePort()
  const config = join(folder, 'backend.conf')
  const answer = (bytes: number): string => `location /api/${bytes} { return 200 "${'x'.repeat(bytes)}"; }`
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${join(folder, 'backend.pid')}; error_log /dev/null;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
server { listen 127.0.0.1:${port}; ${answer(100)} ${answer(1000)} } }`,
  )
  const child = start('nginx', ['-c', config, '-p', folder])
  return { port, stop: () => stop(child) }
}

const median = (numbers: number[]): number =>
  [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

function row(cells: readonly (string | number)[]): string {
  return cells.map((cell, index) => (index === 0 ? String(cell).padEnd(24) : String(cell).padStart(11))).join(' ')
}

function report(rounds: readonly Round[], latency: Record<string, number[]>, rest: Record<string, Measured>): void {
  for (const { name } of cases) {
    const of = (peer: string): Round[] => rounds.filter((round) => round.case === name && round.peer === peer)
    const envoy = of('envoy').map(({ cpuUs }) => cpuUs)
    console.log(
      `\n${name}: processor µs a request (min / median), ratio of medians to Envoy\n${row(['proxy', 'min', 'median', 'ratio', 'req/s', 'RSS MB', 'PSS MB', 'errors'])}`,
    )
    for (const peer of Object.keys(rest)) {
      const all = of(peer)
      if (all.length === 0) continue
      const cpu = all.map(({ cpuUs }) => cpuUs)
      const pick = (key: 'residentMb' | 'proportionalMb' | 'requestsPerSecond' | 'errors'): number =>
        median(all.map((round) => round[key]))
      const ratio = envoy.length > 0 ? (median(cpu) / median(envoy)).toFixed(2) : '-'
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
  console.log(`\nlatency at 1,000 requests/s, 32 connections, ms (p50 / p99 / p99.9), and memory at rest`)
  for (const [peer, sorted] of Object.entries(latency)) {
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN).toFixed(2)
    console.log(
      row([
        peer,
        at(0.5),
        at(0.99),
        at(0.999),
        '',
        rest[peer]!.residentMb.toFixed(1),
        rest[peer]!.proportionalMb.toFixed(1),
      ]),
    )
  }
}

async function main(): Promise<void> {
  if (values.help) {
    console.log(
      'npm run bench -- [--quick] [--only weft,envoy,haproxy,nginx] [--rounds N] [--profile] [--compare FILE]',
    )
    return
  }
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'))
  const roundCount = Number(values.rounds ?? (values.quick ? 2 : 5))
  const seconds = values.quick ? 2 : 4
  const passCount = values.quick ? 2 : 4
  const names = values.only.split(',')
  const backend = await startBackend(folder)
  const running: { name: string; port: number; peer: Awaited<ReturnType<(typeof peers)[string]>> }[] = []
  const rounds: Round[] = []
  const latency: Record<string, number[]> = {}
  const rest: Record<string, Measured> = {}
  try {
    for (const name of names) {
      const start = peers[name]
      if (!start) throw new Error(`no peer is called ${name}; there are ${Object.keys(peers).join(', ')}`)
      const port = await freePort()
      const own = join(folder, name)
      mkdirSync(own)
      const peer = await start({ upstream: backend.port, port, folder: own, profile: values.profile })
      running.push({ name, port, peer })
      await eventually(async () => {
        const answer = await send(port, { path: '/api/100', host: benchHost, headers: { 'x-user': 'bench' } })
        if (answer.status !== 200) throw new Error(`${name} answers ${answer.status}: ${answer.body}`)
      }, 15_000)
      rest[name] = measure(peer.pids())
    }
    for (const { port } of running) await wrk({ port, path: '/api/100', host: benchHost, connections: 64, seconds: 2 })
    for (let round = 0; round < roundCount; round++) {
      for (const { name: caseName, path, connections } of cases) {
        for (const { name, port, peer } of running) {
          const before = measure(peer.pids())
          const load = await wrk({ port, path, host: benchHost, connections, seconds })
          const after = measure(peer.pids())
          rounds.push({
            case: caseName,
            peer: name,
            cpuUs: (after.cpuUs - before.cpuUs) / load.requests,
            requestsPerSecond: load.requestsPerSecond,
            errors: load.errors,
            residentMb: after.residentMb,
            proportionalMb: after.proportionalMb,
          })
        }
      }
      console.error(`round ${round + 1} of ${roundCount} done`)
    }
    // In turn, and the first pass does not count: a cold generator's own pauses would be put down to whoever comes first.
    for (let pass = 0; pass <= passCount; pass++) {
      for (const { name, port } of running) {
        const load = { port, path: '/api/1000', host: benchHost, connections: 32, seconds: 2, rate: 1000 }
        const latencies = await openLoop(load)
        if (pass > 0) latency[name] = [...(latency[name] ?? []), ...latencies].sort((a, b) => a - b)
      }
    }
  } finally {
    for (const { peer } of running) await peer.stop()
    await backend.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  report(rounds, latency, rest)
  save(rounds)
  if (values.compare) compare(rounds, values.compare)
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
