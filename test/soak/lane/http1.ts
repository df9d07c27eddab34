/** HTTP/1.1: GET and POST on kept connections; some given up by the client, some cut by the server. */
import http from 'node:http'
import type { Call } from '../ledger.ts'
import { callTimeoutMs, type Lane, type LaneContext, record } from './lane.ts'

export class Http1Lane implements Lane {
  readonly name = 'http1'
  readonly width = 6
  readonly pauseMs = 40
  readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 32 })

  async call(context: LaneContext): Promise<void> {
    const isCut = context.random() < 0.05
    const isRepeatable = context.random() < 0.5
    // Two ways of cutting: the server's connection is reset, or the client goes away.
    const isCutByServer = isCut && context.random() < 0.5
    const body = isRepeatable ? undefined : Buffer.alloc(Math.floor(context.random() * 100_000), 'w')
    await record(context, { lane: this.name, isRepeatable, isCut, bodyBytes: body?.length ?? 0 }, (call) =>
      this.#exchange(context.ports.http, call, { body, isCutByServer }),
    )
  }

  close(): void {
    this.#agent.destroy()
  }

  #exchange(port: number, call: Call, cut: { body: Buffer | undefined; isCutByServer: boolean }): Promise<void> {
    const { body, isCutByServer } = cut
    const method = body ? 'POST' : 'GET'
    const path = `/${isCutByServer ? 'cut' : 'id'}/${call.id}`
    return new Promise((resolve, reject) => {
      const request = http.request({ port, host: '127.0.0.1', method, path, agent: this.#agent }, (response) => {
        call.server = String(response.headers['x-server'] ?? '')
        let count = 0
        response.on('data', (chunk: Buffer) => (count += chunk.length))
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode, headers } = response
          if (statusCode !== 200) reject(new Error(`${statusCode} ${headers['weft-detail'] ?? ''}`))
          else if (count !== (body?.length ?? 0)) reject(new Error(`${count} bytes of ${body?.length ?? 0} came back`))
          else resolve()
        })
        if (call.plan.isCut && !isCutByServer) request.destroy()
      })
      request.setTimeout(callTimeoutMs, () => request.destroy(new Error(`no answer in ${callTimeoutMs} ms`)))
      request.on('error', reject)
      request.end(body)
    })
  }
}
