/** `examples/protocols` as a person has it: every protocol between programs that know nothing of a mesh. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { until } from '#/up/testing/until.ts'
import { LaptopMesh } from './testing/laptop-mesh.ts'

/** Series that the caller's sidecar has, each with some of its labels. */
const counted = [
  ['istio_requests_total', 'destination_service_name="bobbin"', 'response_code="200"'],
  ['istio_requests_total', 'destination_service_name="pattern-v1"', 'grpc_response_status="3"'],
  ['weft_proxy_grpc_requests_total', 'grpc_service="loom.Pattern"', 'grpc_method="Weave"'],
  ['istio_tcp_connections_opened_total', 'destination_service_name="ledger"'],
  ['istio_tcp_sent_bytes_total', 'destination_service_name="vault-silk"'],
  ['weft_detection_total', 'outcome="server-first"'],
] as const

describe('the mesh of every protocol', () => {
  let mesh: LaptopMesh
  before(async () => {
    mesh = new LaptopMesh('protocols')
    await mesh.ready()
  })
  after(async () => mesh?.stop())

  const ask = async (): Promise<Record<string, string>> => {
    const answer = await fetch(mesh.workload('desk').app!, { headers: { accept: 'application/json' } })
    return (await answer.json()) as Record<string, string>
  }

  test('each program is called in its own protocol and answers', async () => {
    const { TCP, TCPRoute, ...others } = await ask()
    assert.match(TCP!, /^ledger ledger-\S+ ready, sum 42$/)
    assert.match(TCPRoute!, /^ledger ledger-\S+ ready, sum 42$/)
    assert.deepEqual(others, {
      'HTTP/2': 'HTTP/2.0 /thread/linen, route thread, trailer 120',
      gRPC: 'twill, drawn by v1',
      'gRPC error': 'status 3, a pattern has a name',
      'gRPC stream': 'warp, woven by v2; weft, woven by v2',
      WebSocket: 'there and back',
      events: 'pass 1, pass 2, pass 3',
      'TLS silk': 'silk, asked for as silk.vault.example',
      'TLS wool': 'wool, asked for as wool.vault.example',
      UDP: 'three threads: 13',
    })
  })

  test('a GRPCRoute and a TLSRoute that are saved are in force for the next call', async () => {
    mesh.edit('routes.yaml', (text) =>
      text
        .replace('{ name: pattern-v2, port: 50051 }', '{ name: pattern-v1, port: 50051 }')
        .replace('{ name: vault-wool, port: 443 }', '{ name: vault-silk, port: 443 }'),
    )
    await until(async () => (await ask())['gRPC stream'] === 'warp, woven by v1; weft, woven by v1', 'v1 weaves')
    await until(async () => (await ask())['TLS wool'] === 'silk, asked for as wool.vault.example', 'silk answers')
  })

  test('each kind is counted where it belongs', async () => {
    const metrics = await (await fetch(`${mesh.workload('desk').admin}/metrics`)).text()
    const lines = metrics.split('\n')
    for (const [name, ...labels] of counted) {
      const series = lines.filter((line) => line.startsWith(`${name}{`))
      const found = series.some((line) => labels.every((label) => line.includes(label)))
      assert.ok(found, `${name} with ${labels.join()} is not among\n${series.join('\n')}`)
    }
  })
})
