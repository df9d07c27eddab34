/** Bodies of any size pass two sidecars in constant memory, however slow their reader is. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import type { HostPort } from '#/std/host-port.ts'
import type { Sidecar } from './proxy-mesh.ts'
import { ProxyMesh } from './proxy-mesh.ts'

const mebibyte = 1024 * 1024
const bytesTotal = 256 * mebibyte
/** What a sidecar may hold more of, MiB: buffers of both sockets and what the collector has not looked at yet. */
const growthMaxMb = 32

/** Answers GET with that many bytes, and anything else with the hash and size of what it received. */
async function startBlobServer(t: TestContext): Promise<number> {
  const block = Buffer.alloc(65_536, 'weft')
  const server = http.createServer((request, response) => {
    if (request.method === 'GET') {
      let left = bytesTotal
      const write = (): void => {
        while (left > 0) {
          left -= block.length
          if (!response.write(block)) {
            response.once('drain', write)
            return
          }
        }
        response.end()
      }
      write()
      return
    }
    const hash = createHash('sha1')
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      hash.update(chunk)
      bytes += chunk.length
    })
    request.on('end', () => response.end(`${bytes} ${hash.digest('hex')}`))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

async function startPair(t: TestContext): Promise<{ sidecars: Sidecar[]; proxy: HostPort; port: number }> {
  const mesh = await ProxyMesh.start(t)
  const port = await startBlobServer(t)
  mesh.applyService('blobs')
  const server = await mesh.startSidecar({ pod: 'blobs-0', app: 'blobs', port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  return { sidecars: [server, client], proxy: client.outbound, port }
}

/** Fails when a sidecar's memory grows beyond the bound while `run` is under way. */
async function boundedMemory(sidecars: readonly Sidecar[], run: () => Promise<void>): Promise<void> {
  const before = sidecars.map((sidecar) => sidecar.residentMb())
  const growth = sidecars.map(() => 0)
  const timer = setInterval(() => {
    sidecars.forEach((sidecar, i) => {
      growth[i] = Math.max(growth[i]!, sidecar.residentMb() - before[i]!)
    })
  }, 20)
  try {
    await run()
  } finally {
    clearInterval(timer)
  }
  for (const mb of growth) assert.ok(mb < growthMaxMb, `a sidecar grew by ${growth.map((one) => one.toFixed(0))} MiB`)
}

function request(proxy: HostPort, options: http.RequestOptions): http.ClientRequest {
  return http.request({ ...proxy, headers: { host: 'blobs.shop' }, agent: false, ...options })
}

function upload(proxy: HostPort, headers: http.OutgoingHttpHeaders): Promise<string> {
  const block = Buffer.alloc(65_536, 'weft')
  return new Promise((resolve, reject) => {
    const call = request(proxy, { method: 'PUT', headers: { host: 'blobs.shop', ...headers } })
    call.on('error', reject)
    call.on('response', (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => resolve(text))
    })
    let left = bytesTotal
    const write = (): void => {
      while (left > 0) {
        left -= block.length
        if (!call.write(block)) {
          call.once('drain', write)
          return
        }
      }
      call.end()
    }
    write()
  })
}

/** @param pauseEvery the reader rests for a turn after so many bytes. */
function download(proxy: HostPort, pauseEvery: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request(proxy, { method: 'GET' })
    call.on('error', reject)
    call.on('response', (response) => {
      let bytes = 0
      let sinceRest = 0
      response.on('error', reject)
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        sinceRest += chunk.length
        if (sinceRest < pauseEvery) return
        sinceRest = 0
        response.pause()
        setTimeout(() => response.resume(), 1)
      })
      response.on('end', () => resolve(bytes))
    })
    call.end()
  })
}

test('256 MiB pass upwards, with a length and chunked, in bounded memory', async (t) => {
  const { sidecars, proxy } = await startPair(t)
  const hash = createHash('sha1')
  const block = Buffer.alloc(65_536, 'weft')
  for (let done = 0; done < bytesTotal; done += block.length) hash.update(block)
  const expected = `${bytesTotal} ${hash.digest('hex')}`
  await boundedMemory(sidecars, async () => {
    assert.equal(await upload(proxy, { 'content-length': bytesTotal }), expected)
    assert.equal(await upload(proxy, { 'transfer-encoding': 'chunked' }), expected)
  })
})

test('256 MiB pass downwards to a fast and to a slow reader in bounded memory', async (t) => {
  const { sidecars, proxy } = await startPair(t)
  await boundedMemory(sidecars, async () => {
    assert.equal(await download(proxy, Number.POSITIVE_INFINITY), bytesTotal)
    assert.equal(await download(proxy, 4 * mebibyte), bytesTotal)
  })
})
