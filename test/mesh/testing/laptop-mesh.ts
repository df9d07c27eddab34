/** A `weft up` process on a copy of a directory, with its events, for tests of the laptop mesh. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MeshEvent, WorkloadAddresses } from '#/up/mesh-event.ts'
import { isAlive, until } from '#/up/testing/until.ts'

export const root = fileURLToPath(new URL('../../..', import.meta.url))
const launcher = join(root, 'weft')

type EventOf<Name extends MeshEvent['event']> = Extract<MeshEvent, { event: Name }>

export interface LaptopMeshOptions {
  /** Of `weft up`. */
  flags?: readonly string[]
  /** Changes the copy before it runs. */
  prepare?: (folder: string) => void
  /** Further variables, for instance settings that its sidecars inherit. */
  environment?: Readonly<Record<string, string>>
}

/** A mesh of a dozen programs starts in five seconds on a quiet machine of two cores, and beside three others like it in thirty, ms. */
const eventTimeoutMs = 90_000

export class LaptopMesh {
  /** The copy that it runs on. */
  readonly folder: string
  readonly environment: NodeJS.ProcessEnv
  readonly events: MeshEvent[] = []
  readonly process: ChildProcess
  exit: { code: number | null; signal: NodeJS.Signals | null } | undefined
  /** What it said on standard error. */
  errors = ''

  /** @param source a folder of `examples/`, or the whole path of another one. */
  constructor(source: string, { flags = [], prepare, environment = {} }: LaptopMeshOptions = {}) {
    const home = mkdtempSync(join(tmpdir(), 'weft-up-'))
    this.folder = join(home, 'mesh')
    cpSync(resolve(root, 'examples', source), this.folder, { recursive: true })
    // Where the programs of a mesh that need packages find them: those of the checkout.
    symlinkSync(join(root, 'node_modules'), join(home, 'node_modules'))
    prepare?.(this.folder)
    this.environment = { ...process.env, XDG_STATE_HOME: join(home, 'state'), WEFT_CONTROL: '', ...environment }
    this.process = spawn(launcher, ['up', this.folder, '--output', 'json', ...flags], {
      env: this.environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.process.once('exit', (code, signal) => (this.exit = { code, signal }))
    this.process.stderr!.setEncoding('utf8').on('data', (text: string) => (this.errors += text))
    let rest = ''
    this.process.stdout!.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      for (const line of lines) this.events.push(JSON.parse(line))
    })
  }

  /** Resolves to the `ready` line. */
  async ready(): Promise<EventOf<'ready'>> {
    return this.event('ready', () => true)
  }

  /** As it stands in the `ready` line. */
  workload(name: string): WorkloadAddresses {
    const ready = this.events.find((event) => event.event === 'ready') as EventOf<'ready'>
    const found = ready.workloads.find((one) => one.name === name)
    if (!found) throw new Error(`no workload ${name} among ${ready.workloads.map((one) => one.name).join(', ')}`)
    return found
  }

  /** The first event that `fits`, from `since` (a number of events) on; waits for it. */
  async event<Name extends MeshEvent['event']>(
    name: Name,
    fits: (event: EventOf<Name>) => boolean,
    since = 0,
  ): Promise<EventOf<Name>> {
    let found: EventOf<Name> | undefined
    const look = (): boolean => {
      if (this.exit) throw new Error(`weft up ended: ${JSON.stringify(this.exit)} ${this.errors}`)
      found = this.events
        .slice(since)
        .find((one): one is EventOf<Name> => one.event === name && fits(one as EventOf<Name>))
      return found !== undefined
    }
    await until(look, `an event ${name}`, eventTimeoutMs).catch((error) => {
      throw new Error(`${error.message}; since then ${JSON.stringify(this.events.slice(since))} ${this.errors}`)
    })
    return found!
  }

  /** Saves as editors do: the new text is whole when it takes the name. */
  edit(file: string, change: (text: string) => string): void {
    const path = join(this.folder, file)
    const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const after = change(before)
    if (after === before) throw new Error(`the edit of ${file} changes nothing`)
    const written = join(this.folder, '..', 'edited')
    writeFileSync(written, after)
    renameSync(written, path)
  }

  /** Runs another command line against this mesh. */
  async run(...words: string[]): Promise<{ code: number | null; output: string; errors: string }> {
    const child = spawn(launcher, words, { env: this.environment, stdio: ['ignore', 'pipe', 'pipe'] })
    const texts = { output: '', errors: '' }
    child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.output += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.errors += text))
    const [code] = await once(child, 'close')
    return { code, ...texts }
  }

  /** Every process of the mesh by its id, the supervisor's own aside. */
  pids(): number[] {
    const ready = this.events.find((event) => event.event === 'ready') as EventOf<'ready'>
    const latest = new Map<string, WorkloadAddresses>(ready.workloads.map((one) => [one.pod, one]))
    for (const event of this.events) if (event.event === 'workload') latest.set(event.workload.pod, event.workload)
    const pids = [ready.control.pid, ...[...latest.values()].flatMap((one) => [one.pids.app, one.pids.sidecar])]
    return pids.filter((pid) => pid !== null)
  }

  /**
   * Every living process that was started for this mesh, supervisor included, by the environment that they hand on: whoever was
   * started and never told is among them. Where the system shows no environments: those that were told.
   */
  processes(): number[] {
    if (process.platform !== 'linux') return [this.process.pid!, ...this.pids()].filter(isAlive)
    const mark = `XDG_STATE_HOME=${this.environment.XDG_STATE_HOME}\0`
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
    return pids.filter((pid) => environmentOf(pid).includes(mark) && isAlive(Number(pid))).map(Number)
  }

  async stop(): Promise<void> {
    if (!this.exit) {
      this.process.kill('SIGINT')
      await until(() => this.exit !== undefined, 'weft up has ended', 15_000)
    }
    rmSync(join(this.folder, '..'), { recursive: true, force: true })
  }
}

/** Empty for a process that has ended, or is another user's. */
function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return ''
    throw error
  }
}

export function portOf(url: string | null): number {
  if (url === null) throw new Error('a workload without this address')
  return Number(new URL(url).port)
}

/** GET through an HTTP proxy, as `curl -x`: the request line holds the whole URL. */
export function getThrough(proxy: string, url: string): Promise<{ status: number; body: string }> {
  return get(proxy, url, { host: new URL(url).host })
}

/** GET of a path with a Host of one's own, as `curl -H 'Host: …'`. */
export function getAs(address: string, host: string, path = '/'): Promise<{ status: number; body: string }> {
  return get(address, path, { host })
}

function get(
  address: string,
  path: string,
  headers: Record<string, string>,
): Promise<{ status: number; body: string }> {
  const { hostname: host, port } = new URL(address)
  return new Promise((resolve, reject) => {
    const request = http.get({ host, port, path, headers, agent: false, timeout: 5000 }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text: string) => (body += text))
      response.once('end', () => resolve({ status: response.statusCode!, body }))
      response.once('error', reject)
    })
    request.once('timeout', () => request.destroy(new Error('no answer in 5 s')))
    request.once('error', reject)
  })
}

/** Calls one after the other until stopped; counts what came back. */
export class Caller {
  readonly answers = new Map<string, number>()
  #isStopped = false
  readonly #done: Promise<void>

  constructor(call: () => Promise<{ status: number; body: string }>) {
    this.#done = (async () => {
      while (!this.#isStopped) {
        const answer = await call().then(
          ({ status, body }) => `${status} ${body.trim()}`,
          (error: Error) => `failed: ${error.message}`,
        )
        this.answers.set(answer, (this.answers.get(answer) ?? 0) + 1)
      }
    })()
  }

  get count(): number {
    return [...this.answers.values()].reduce((sum, one) => sum + one, 0)
  }

  async stop(): Promise<Record<string, number>> {
    this.#isStopped = true
    await this.#done
    return Object.fromEntries(this.answers)
  }
}
