/** Server-sent events: twenty, one each 50 ms; some listeners go away before the last. */
import http from 'node:http'
import { callTimeoutMs, type Lane, type LaneContext, record } from './lane.ts'

const events = 20

export class EventLane implements Lane {
  readonly name = 'events'
  readonly width = 3
  readonly pauseMs = 200

  async call(context: LaneContext): Promise<void> {
    const isCut = context.random() < 0.1
    await record(context, { lane: this.name, isRepeatable: true, isCut }, (call) => {
      const options = { host: '127.0.0.1', port: context.ports.http, path: `/events/${call.id}`, agent: false }
      return new Promise((resolve, reject) => {
        const request = http.get(options, (response) => {
          call.server = String(response.headers['x-server'] ?? '')
          let text = ''
          // What came may be cut anywhere.
          const count = (): number => text.split('data: ').length - 1
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part
            if (isCut && count() > 3) request.destroy()
          })
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode, headers } = response
            if (statusCode === 200 && count() === events) resolve()
            else reject(new Error(`${statusCode} ${headers['weft-detail'] ?? ''}, ${count()} events`))
          })
        })
        request.setTimeout(callTimeoutMs, () => request.destroy(new Error(`nothing for ${callTimeoutMs} ms`)))
        request.on('error', reject)
      })
    })
  }

  close(): void {
    // Each call closes its own connection.
  }
}
