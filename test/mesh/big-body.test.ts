/** A body of 1 GiB each way through two sidecars, in memory that does not grow with it. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { send } from '../contract/http-client.ts'
import { LaptopMesh, portOf } from './testing/laptop-mesh.ts'

const bytes = 1024 ** 3
const growthMaxMb = 32

const program = `
import http from 'node:http'
const chunk = Buffer.alloc(65536, 'x')
http.createServer((request, response) => {
  if (request.method === 'POST') {
    let count = 0
    request.on('data', (part) => { count += part.length })
    request.on('end', () => response.end(String(count)))
    return
  }
  let left = Number(request.url.slice(1)) || 0
  response.writeHead(200, { 'content-length': left })
  const pump = () => {
    while (left > 0) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk
      left -= part.length
      if (!response.write(part)) return response.once('drain', pump)
    }
    response.end()
  }
  pump()
}).listen(process.env.PORT, process.env.HOST)
`
const yaml = `
apiVersion: apps/v1
kind: Deployment
metadata: { name: store, namespace: big }
spec:
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store } }
    spec: { containers: [{ name: store, command: [node, store.mjs], ports: [{ name: http, containerPort: 8080 }] }] }
---
apiVersion: v1
kind: Service
metadata: { name: store, namespace: big }
spec: { selector: { app: store }, ports: [{ name: http, port: 80, targetPort: http }] }
`

function residentMb(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
}

describe('a body of 1 GiB', () => {
  const source = mkdtempSync(join(tmpdir(), 'weft-big-'))
  let mesh: LaptopMesh
  before(async () => {
    writeFileSync(join(source, 'store.yaml'), yaml)
    writeFileSync(join(source, 'store.mjs'), program)
    mesh = new LaptopMesh(source)
    await mesh.ready()
  })
  after(async () => {
    await mesh?.stop()
    rmSync(source, { recursive: true, force: true })
  })

  /** Runs `work` and looks at the sidecar's memory all the while. The sidecar carries it twice: out and in. */
  async function growthDuring(work: () => Promise<void>): Promise<number> {
    const { pids, outbound } = mesh.workload('store')
    for (let i = 0; i < 200; i++) await send(portOf(outbound), { path: '/1000', host: 'store.big' })
    const before = residentMb(pids.sidecar!)
    let peak = before
    const timer = setInterval(() => {
      peak = Math.max(peak, residentMb(pids.sidecar!))
    }, 20)
    await work()
    clearInterval(timer)
    return peak - before
  }

  const options = () => ({
    host: '127.0.0.1',
    port: portOf(mesh.workload('store').outbound),
    headers: { host: 'store.big' },
  })

  test('comes down', async () => {
    let received = 0
    const growth = await growthDuring(
      () =>
        new Promise((resolve, reject) => {
          const request = http.get({ ...options(), path: `/${bytes}` }, (response) => {
            response.on('data', (chunk) => {
              received += chunk.length
            })
            response.on('end', resolve)
            response.on('error', reject)
          })
          request.on('error', reject)
        }),
    )
    assert.equal(received, bytes)
    assert.ok(growth < growthMaxMb, `the sidecar grew by ${growth.toFixed(1)} MB`)
  })

  for (const framing of ['content-length', 'chunked'] as const) {
    test(`goes up, ${framing}`, async () => {
      let answer = ''
      const growth = await growthDuring(
        () =>
          new Promise((resolve, reject) => {
            const headers = {
              ...options().headers,
              ...(framing === 'chunked' ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes }),
            }
            const request = http.request({ ...options(), method: 'POST', path: '/', headers }, (response) => {
              response.on('data', (chunk) => {
                answer += chunk
              })
              response.on('end', resolve)
              response.on('error', reject)
            })
            request.on('error', reject)
            const chunk = Buffer.alloc(65_536, 'y')
            let left = bytes
            const pump = (): void => {
              while (left > 0) {
                left -= chunk.length
                if (!request.write(chunk)) {
                  request.once('drain', pump)
                  return
                }
              }
              request.end()
            }
            pump()
          }),
      )
      assert.equal(answer, String(bytes))
      assert.ok(growth < growthMaxMb, `the sidecar grew by ${growth.toFixed(1)} MB`)
    })
  }
})
