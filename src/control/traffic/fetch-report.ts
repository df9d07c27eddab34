/** Asks one sidecar for its ledger. */
import http from 'node:http'
import type { TrafficReport } from '#/model/traffic.ts'
import { parseHostPort } from '#/std/host-port.ts'
import { readTrafficReport } from './read-report.ts'

export type FetchOutcome = { state: 'told'; report: TrafficReport } | { state: 'off' | 'unreachable'; detail: string }

export type FetchReport = (address: string) => Promise<FetchOutcome>

/** Of the whole exchange, ms: an idle sidecar answers within a few. */
const timeoutMs = 2000
/** 1000 edges are a third of a megabyte. */
const bytesMax = 16 * 1024 * 1024

/** Never rejects. @param address `HOST:PORT` of the admin endpoint. */
export function fetchReport(address: string): Promise<FetchOutcome> {
  const place = parseHostPort(address)
  if (!place) return Promise.resolve({ state: 'unreachable', detail: `${address} is no address of an admin endpoint` })
  return new Promise((resolve) => {
    const fail = (detail: string): void => resolve({ state: 'unreachable', detail })
    const request = http.get({ ...place, path: '/traffic', agent: false }, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes <= bytesMax) chunks.push(chunk)
        else request.destroy(new Error(`more than ${bytesMax} bytes`))
      })
      response.on('error', (error) => fail(error.message))
      response.on('end', () => {
        clearTimeout(timer)
        resolve(outcomeOf(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')))
      })
    })
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    request.on('error', (error) => {
      clearTimeout(timer)
      fail(error.message)
    })
  })
}

function outcomeOf(status: number, body: string): FetchOutcome {
  if (status === 404) return { state: 'off', detail: 'it keeps no ledger' }
  if (status !== 200) return { state: 'unreachable', detail: `answered ${status}` }
  try {
    return { state: 'told', report: readTrafficReport(body) }
  } catch (error) {
    return {
      state: 'unreachable',
      detail: `its answer can't be read: ${error instanceof Error ? error.message : error}`,
    }
  }
}
