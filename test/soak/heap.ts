/** The heap of another Node process after a whole collection, by its inspector, which SIGUSR1 opens and which is closed again. */
import { until } from '#/up/testing/until.ts'

/** Node's default; one process at a time has it. */
const inspectorUrl = 'http://127.0.0.1:9229/json/list'

export interface Heap {
  /** Objects and compiled code, MiB. */
  objects: number
  /** Of buffers outside the heap, MiB. */
  buffers: number
}

/** Rejects where the inspector does not open in 10 s. */
export async function heapAfterCollection(pid: number): Promise<Heap> {
  process.kill(pid, 'SIGUSR1')
  let address = ''
  await until(async () => {
    const targets = await fetch(inspectorUrl).then(
      (answer) => answer.json() as Promise<{ webSocketDebuggerUrl: string }[]>,
      () => [],
    )
    address = targets[0]?.webSocketDebuggerUrl ?? ''
    return address !== ''
  }, `the inspector of ${pid}`)
  const session = await Session.open(address)
  try {
    await session.ask('HeapProfiler.collectGarbage')
    const { usedSize, backingStorageSize = 0 } = await session.ask('Runtime.getHeapUsage')
    return { objects: usedSize! / 1024 ** 2, buffers: backingStorageSize / 1024 ** 2 }
  } finally {
    // Not awaited: the inspector goes, and the answer with it.
    session.tell('Runtime.evaluate', {
      expression: "setTimeout(() => process.getBuiltinModule('node:inspector').close())",
    })
    await session.closed
    await until(
      async () =>
        await fetch(inspectorUrl).then(
          () => false,
          () => true,
        ),
      `the inspector of ${pid} is closed`,
    )
  }
}

class Session {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: Record<string, number>) => void>()
  readonly closed: Promise<unknown>
  #count = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    this.closed = new Promise((resolve) => socket.addEventListener('close', resolve, { once: true }))
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(data)
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    })
  }

  static open(address: string): Promise<Session> {
    const socket = new WebSocket(address)
    return new Promise((resolve, reject) => {
      socket.addEventListener('open', () => resolve(new Session(socket)), { once: true })
      socket.addEventListener('error', () => reject(new Error('the inspector closed the door')), { once: true })
    })
  }

  ask(method: string): Promise<Record<string, number>> {
    return new Promise((resolve) => {
      this.#waiting.set(this.tell(method), resolve)
    })
  }

  tell(method: string, params: Record<string, unknown> = {}): number {
    this.#count++
    this.#socket.send(JSON.stringify({ id: this.#count, method, params }))
    return this.#count
  }
}
