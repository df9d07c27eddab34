/**
 * Which local port serves what. A port is picked once and kept in the state folder, so that addresses stay the same when
 * the mesh is started again. They lie below the range from which systems give ports to outgoing connections (Linux 32768,
 * macOS 49152), so that no connection takes one while its owner restarts.
 */
import { createHash } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { writeFileAtomically } from '#/std/atomic-file.ts'

const firstPort = 20_000
const lastPort = 32_767

export interface PortBookOptions {
  /** JSON of key → port. */
  file: string
  /** Ports that other meshes of this machine have taken. */
  takenElsewhere: () => ReadonlySet<number>
  /** Tells whether nobody listens on the port; tests pass their own. */
  isFree?: (port: number) => Promise<boolean>
}

export class PortBook {
  readonly #options: Required<PortBookOptions>
  readonly #ports: Map<string, number>
  /** Kept ports that were found free in this run; the others are looked at before they are used. */
  readonly #checked = new Set<string>()

  constructor(options: PortBookOptions) {
    this.#options = { isFree, ...options }
    this.#ports = new Map(Object.entries(readPorts(options.file)))
  }

  /**
   * A port for each key, the one it had if it is still free.
   * @throws Error when the whole range is taken.
   */
  async take(keys: readonly string[]): Promise<Map<string, number>> {
    let open = keys.filter((key) => !this.#checked.has(key))
    const refused = new Set<number>()
    while (open.length > 0) {
      this.#choose(open, refused)
      const free = await Promise.all(open.map((key) => this.#options.isFree(this.#ports.get(key)!)))
      open.forEach((key, i) => {
        if (free[i]) this.#checked.add(key)
        else refused.add(this.#ports.get(key)!)
      })
      open = open.filter((_, i) => !free[i])
      for (const key of open) this.#ports.delete(key)
    }
    return new Map(keys.map((key) => [key, this.#ports.get(key)!]))
  }

  /** Gives back the ports of all keys for which `isGone` holds. */
  release(isGone: (key: string) => boolean): void {
    for (const key of [...this.#ports.keys()]) {
      if (!isGone(key)) continue
      this.#ports.delete(key)
      this.#checked.delete(key)
    }
    this.#save()
  }

  /** Claims a port for each key and writes the claims down at once, so that another mesh that starts now sees them. */
  #choose(keys: readonly string[], refused: ReadonlySet<number>): void {
    const elsewhere = this.#options.takenElsewhere()
    const taken = new Set(this.#ports.values())
    for (const key of keys) {
      const kept = this.#ports.get(key)
      if (kept !== undefined && !elsewhere.has(kept)) continue
      const port = portsFor(`${this.#options.file} ${key}`).find(
        (one) => !taken.has(one) && !elsewhere.has(one) && !refused.has(one),
      )
      if (port === undefined) throw new Error(`no port from ${firstPort} to ${lastPort} is free`)
      taken.add(port)
      this.#ports.set(key, port)
    }
    this.#save()
  }

  #save(): void {
    writeFileAtomically(this.#options.file, `${JSON.stringify(Object.fromEntries(this.#ports), null, 2)}\n`)
  }
}

/** Ports in a file of a PortBook; none when it can't be read. */
export function readPorts(file: string): Record<string, number> {
  if (!existsSync(file)) return {}
  try {
    const ports: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const entries = Object.entries(ports as Record<string, unknown>)
    return Object.fromEntries(entries.filter((entry): entry is [string, number] => Number.isInteger(entry[1])))
  } catch (error) {
    // A damaged file costs only that addresses change.
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

/** All ports, from one that depends on the key: the same mesh gets the same ports even without its file. */
function* portsFor(key: string): Generator<number> {
  const size = lastPort - firstPort + 1
  const start = createHash('sha256').update(key).digest().readUInt32BE(0) % size
  for (let i = 0; i < size; i++) yield firstPort + ((start + i) % size)
}

/** For datagrams too: a port may serve both. */
async function isFree(port: number): Promise<boolean> {
  return (await isFreeForStreams(port)) && (await isFreeForDatagrams(port))
}

function isFreeForDatagrams(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    socket.once('error', () => socket.close(() => resolve(false)))
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => socket.close(() => resolve(true)))
  })
}

function isFreeForStreams(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)))
  })
}
