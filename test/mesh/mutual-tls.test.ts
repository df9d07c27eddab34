/** Every protocol of `examples/protocols` where the whole mesh is strict: each hop is mutual TLS, and who has no certificate is told so. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '#/up/testing/until.ts'
import { getThrough, LaptopMesh } from './testing/laptop-mesh.ts'

const strict = `
apiVersion: weft.dev/v1alpha1
kind: AuthenticationPolicy
metadata: { name: all, namespace: weft-system }
spec:
  targetRefs: [{ group: weft.dev, kind: Mesh, name: default }]
  mutualTls: { mode: Strict }
`
const mirror = `
apiVersion: v1
kind: ServiceAccount
metadata: { name: mirror, namespace: loom }
---
apiVersion: v1
kind: Service
metadata: { name: mirror, namespace: loom }
spec:
  selector: { app: mirror }
  ports: [{ name: http, port: 80, targetPort: main }]
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: mirror, namespace: loom }
spec:
  selector: { matchLabels: { app: mirror } }
  template:
    metadata: { labels: { app: mirror } }
    spec:
      serviceAccountName: mirror
      containers:
        - name: mirror
          image: weft/mirror:dev
          command: [node, src/mirror.mjs]
          ports: [{ name: main, containerPort: 8080 }]
`
const mirrorProgram = `import { createServer } from 'node:http'
createServer((request, answer) => answer.end(JSON.stringify(request.headers))).listen(process.env.PORT, process.env.HOST)
`

let mesh: LaptopMesh

before(async () => {
  mesh = new LaptopMesh('protocols', {
    prepare: (folder) => {
      writeFileSync(join(folder, 'strict.yaml'), strict)
      writeFileSync(join(folder, 'mirror.yaml'), mirror)
      writeFileSync(join(folder, 'src', 'mirror.mjs'), mirrorProgram)
    },
  })
  await mesh.ready()
})
after(() => mesh?.stop())

const ask = async (): Promise<Record<string, string>> => {
  const answer = await fetch(mesh.workload('desk').app!, { headers: { accept: 'application/json' } })
  return (await answer.json()) as Record<string, string>
}
const metricsOf = async (name: string): Promise<string[]> =>
  (await (await fetch(`${mesh.workload(name).admin}/metrics`)).text()).split('\n')
const inboundOf = (name: string): { host: string; port: number } => {
  const { hostname: host, port } = new URL(mesh.workload(name).inbound!)
  return { host, port: Number(port) }
}

test('requests and streams of every protocol go their way by mutual TLS', async () => {
  const { 'HTTP/2': http2, gRPC, WebSocket, events, TCP, 'TLS silk': silk } = await ask()
  assert.deepEqual(
    { http2, gRPC, WebSocket, events, silk },
    {
      http2: 'HTTP/2.0 /thread/linen, route thread, trailer 120',
      gRPC: 'twill, drawn by v1',
      WebSocket: 'there and back',
      events: 'pass 1, pass 2, pass 3',
      silk: 'silk, asked for as silk.vault.example',
    },
  )
  assert.match(TCP!, /^ledger ledger-\S+ ready, sum 42$/)
})

test('every hop tells mutual TLS and both principals in its metrics', async () => {
  const callerId = 'spiffe://cluster.local/ns/loom/sa/default'
  for (const name of ['bobbin', 'pattern-v1', 'ledger']) {
    const series = (await metricsOf(name)).filter((line) =>
      /^istio_(requests|tcp_connections_opened)_total\{/.test(line),
    )
    assert.ok(series.length > 0, `${name} has counted`)
    for (const line of series) {
      assert.match(line, /connection_security_policy="mutual_tls"/, line)
      assert.ok(line.includes(`source_principal="${callerId}"`), line)
    }
  }
  const called = (await metricsOf('desk')).filter(
    (line) => line.includes('reporter="source"') && line.includes('bobbin'),
  )
  assert.ok(called.length > 0)
  for (const line of called)
    assert.match(line, /destination_principal="spiffe:\/\/cluster\.local\/ns\/loom\/sa\/default"/)
})

test('the application hears who called from its sidecar alone', async () => {
  const { hostname, port } = new URL(mesh.workload('desk').outbound!)
  const forged = 'By=spiffe://cluster.local/ns/loom/sa/mirror;URI=spiffe://cluster.local/ns/vault/sa/master'
  const headers = await new Promise<Record<string, string>>((resolve, reject) => {
    const options = { host: hostname, port, path: 'http://mirror.loom/', agent: false }
    const request = http.get(
      { ...options, headers: { host: 'mirror.loom', 'x-forwarded-client-cert': forged, 'weft-peer': 'a/b/c/d/e/f' } },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (part: string) => (text += part))
        answer.once('end', () => resolve(JSON.parse(text)))
      },
    )
    request.once('error', reject)
  })
  assert.match(
    headers['x-forwarded-client-cert']!,
    /^By=spiffe:\/\/cluster\.local\/ns\/loom\/sa\/mirror;Hash=[0-9a-f]{64};URI=spiffe:\/\/cluster\.local\/ns\/loom\/sa\/default$/,
  )
  assert.equal(headers['weft-peer'], undefined)
})

test('a request without a certificate is refused by name, a stream is closed', async () => {
  const plain = await new Promise<{ status: number; detail: string | undefined }>((resolve, reject) => {
    http
      .get({ ...inboundOf('mirror'), path: '/', agent: false }, (answer) => {
        answer.resume()
        resolve({ status: answer.statusCode!, detail: answer.headers['weft-detail'] as string | undefined })
      })
      .once('error', reject)
  })
  // The code is for callers inside the mesh; the metric and the log have it.
  assert.deepEqual(plain, { status: 403, detail: undefined })
  const refused = (await metricsOf('mirror')).find(
    (line) => line.includes('response_code="403"') && line.includes('response_flags="UAEX"'),
  )
  assert.ok(refused, 'the refusal is counted')
  const ended = await new Promise<string>((resolve) => {
    const socket = connect(inboundOf('ledger'), () => socket.write('add 1\n'))
    let text = ''
    socket.setEncoding('utf8').on('data', (part: string) => (text += part))
    socket.once('error', () => resolve(text))
    socket.once('close', () => resolve(text))
  })
  assert.equal(ended, '')
})

test('a strict port becomes permissive, and strict again, without a request that fails', async () => {
  const call = (): Promise<{ status: number; body: string }> =>
    getThrough(mesh.workload('desk').outbound!, 'http://mirror.loom/')
  const plainStatus = (): Promise<number> =>
    new Promise((resolve, reject) => {
      http
        .get({ ...inboundOf('mirror'), agent: false }, (answer) => resolve(answer.resume().statusCode!))
        .once('error', reject)
    })
  let isOver = false
  const statuses = new Set<number>()
  const calls = (async () => {
    while (!isOver) statuses.add((await call()).status)
  })()
  mesh.edit('strict.yaml', (text) => text.replace('Strict', 'Permissive'))
  await until(async () => (await plainStatus()) === 200, 'plain text is taken')
  mesh.edit('strict.yaml', (text) => text.replace('Permissive', 'Disabled'))
  await until(async () => {
    const called = (await metricsOf('desk')).filter((line) => line.startsWith('istio_requests_total{reporter="source"'))
    return called.some((line) => line.includes('"mirror"') && line.includes('destination_principal="unknown"'))
  }, 'the caller speaks plain text')
  mesh.edit('strict.yaml', (text) => text.replace('Disabled', 'Permissive'))
  // Before it is strict again those who call have to know that it may be.
  await until(async () => (await call()).body.includes('x-forwarded-client-cert'), 'the caller speaks mutual TLS again')
  mesh.edit('strict.yaml', (text) => text.replace('Permissive', 'Strict'))
  await until(async () => (await plainStatus()) === 403, 'plain text is refused again')
  isOver = true
  await calls
  assert.deepEqual([...statuses], [200])
})
