/** What leaves the mesh, and TLS to backends: sidecars as processes, TLS servers of the test outside. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect as connectPlain } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { runCli } from '#/cli/testing/run-cli.ts'
import { testAuthority } from '#/proxy/testing/certificate.ts'
import { call, startApplication } from '#/proxy/testing/peer.ts'
import type { HostPort } from '#/std/host-port.ts'
import { eventually } from '../contract/suite.ts'
import { ProxyMesh, type Sidecar } from './proxy-mesh.ts'
import { getThrough, LaptopMesh } from './testing/laptop-mesh.ts'
import { anyHost, configMap, outside, registryOnly, startTlsServer } from './testing/outside.ts'

/** As in HTTP: `CONNECT host:port`. @returns the first line of the answer, and the socket. */
async function connectThrough(
  { host, port }: HostPort,
  target: string,
): Promise<{ line: string; head: string; socket: import('node:net').Socket }> {
  const socket = connectPlain(port, host)
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`)
  const head = await new Promise<string>((resolve, reject) => {
    socket.once('data', (bytes) => resolve(bytes.toString()))
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('closed without an answer')))
  })
  return { line: head.split('\r\n')[0]!, head, socket }
}

const vault = `
apiVersion: v1
kind: Service
metadata: { name: vault, namespace: hello }
spec: { selector: { app: vault }, ports: [{ name: http, port: 80, targetPort: main }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: vault, namespace: hello }
spec:
  selector: { matchLabels: { app: vault } }
  template:
    metadata: { labels: { app: vault } }
    spec:
      containers:
        - { name: vault, image: 'weft/vault:dev', command: [node, vault.mjs], ports: [{ name: main, containerPort: 8443 }] }
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: vault, namespace: hello }
spec:
  targetRefs: [{ group: "", kind: Service, name: vault }]
  validation: { hostname: vault.example, caCertificateRefs: [{ group: "", kind: ConfigMap, name: vault }] }
---`

async function metricsOf({ process }: Sidecar): Promise<string> {
  return (await fetch(`${process.admin}/metrics`)).text()
}

test('plain requests to an ExternalService leave the mesh by TLS, verified, and are counted by its host', async (t) => {
  const authority = testAuthority()
  const server = await startTlsServer(t, authority, 'api.bank.example')
  const mesh = await ProxyMesh.start(t)
  const tls = 'tls: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: bank }] }'
  const port = `port: 80, protocol: HTTP, ${tls}`
  mesh.apply('ca', configMap('bank', authority.pem))
  mesh.apply('bank', outside({ host: 'api.bank.example', port, target: server.port }))
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  const reply = await call(client.outbound, { host: 'api.bank.example' })
  assert.equal(`${reply.status} ${reply.body}`, '200 api.bank.example asked for api.bank.example')
  assert.deepEqual(server.names, ['api.bank.example'])
  const metrics = await metricsOf(client)
  const series = metrics.split('\n').find((line) => line.startsWith('istio_requests_total{'))
  assert.match(series ?? metrics, /destination_service="api\.bank\.example".*destination_service_name="bank"/)
  assert.match(series ?? metrics, /response_code="200"/)

  await t.test('a route of its own is in force before it', async () => {
    mesh.apply(
      'route',
      `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: bank, namespace: shop }
spec:
  parentRefs: [{ group: weft.dev, kind: ExternalService, name: bank }]
  rules:
    - matches: [{ path: { value: /old } }]
      filters: [{ type: RequestRedirect, requestRedirect: { path: { type: ReplaceFullPath, replaceFullPath: /new } } }]
    - backendRefs: [{ group: weft.dev, kind: ExternalService, name: bank, port: 80 }]
`,
    )
    await eventually(async () => {
      const { status } = await call(client.outbound, { host: 'api.bank.example', path: '/old' })
      assert.equal(status, 302)
    })
    assert.equal((await call(client.outbound, { host: 'api.bank.example', path: '/other' })).status, 200)
  })

  await t.test('a server of another authority is not spoken to', async () => {
    mesh.apply('ca', configMap('bank', testAuthority('another').pem))
    await eventually(async () => {
      const { status, headers } = await call(client.outbound, { host: 'api.bank.example' })
      assert.equal(status, 503)
      assert.match(String(headers['weft-detail']), /^upstream_tls_untrusted; /)
    })
  })

  await t.test('the roots of the web do not vouch for it either', async () => {
    mesh.apply('ca', configMap('bank', authority.pem))
    await eventually(async () => {
      assert.equal((await call(client.outbound, { host: 'api.bank.example' })).status, 200)
    })
    const bank = outside({ host: 'api.bank.example', port: 'port: 80, protocol: HTTP, tls: {}', target: server.port })
    mesh.apply('bank', bank)
    await eventually(async () => {
      const { status, headers } = await call(client.outbound, { host: 'api.bank.example' })
      assert.equal(status, 503)
      assert.match(String(headers['weft-detail']), /UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER/)
    })
    mesh.apply('bank', outside({ host: 'api.bank.example', port, target: server.port }))
  })

  await t.test('without any authority nothing is sent', async () => {
    mesh.remove('ca')
    await eventually(async () => {
      const { status, headers } = await call(client.outbound, { host: 'api.bank.example' })
      assert.equal(`${status} ${headers['weft-detail']?.toString().split(';')[0]}`, '503 no_healthy_upstream')
    })
  })
})

test('RegistryOnly refuses what nobody knows, says how to allow it, and lists what was called', async (t) => {
  const authority = testAuthority()
  const server = await startTlsServer(t, authority, 'api.bank.example')
  const mesh = await ProxyMesh.start(t)
  mesh.apply('mesh', registryOnly)
  mesh.apply('bank', outside({ host: '*.bank.example', port: 'port: 443, protocol: TLS', target: server.port }))
  mesh.apply(
    'foreign',
    outside({
      name: 'foreign',
      namespace: 'web',
      host: 'foreign.example',
      port: 'port: 80, protocol: HTTP',
      target: 9,
    }),
  )
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web', flags: ['--unknown-destinations', 'any'] })

  const refused = await call(client.outbound, { host: 'evil.example' })
  assert.equal(refused.status, 502)
  assert.equal(refused.headers['weft-detail'], 'host_unknown; evil.example:80 may not be called from namespace shop')
  assert.match(refused.body, /Write an ExternalService/)
  // What another namespace may call is as unknown as the rest.
  assert.equal((await call(client.outbound, { host: 'foreign.example' })).status, 502)

  const tunnel = await connectThrough(client.outbound, 'evil.example:443')
  tunnel.socket.destroy()
  assert.match(tunnel.line, /^HTTP\/1\.1 502 /)
  assert.match(tunnel.head, /weft-detail: host_unknown; evil\.example:443/)

  const allowed = await connectThrough(client.outbound, 'api.bank.example:443')
  assert.match(allowed.line, /^HTTP\/1\.1 200 /)
  const secure = connectTls({ socket: allowed.socket, servername: 'api.bank.example', ca: authority.pem })
  secure.write('GET / HTTP/1.1\r\nhost: api.bank.example\r\n\r\n')
  const answer = await new Promise<string>((resolve, reject) => {
    secure.once('data', (bytes) => resolve(bytes.toString()))
    secure.once('error', reject)
  })
  assert.match(answer, /asked for api\.bank\.example$/)
  secure.destroy()

  await t.test('weft egress report asks the sidecars', async () => {
    const file = join(mesh.folder, 'mesh', 'pod-web-0.yaml')
    const admin = new URL(client.process.admin).host
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace('annotations:\n', `annotations:\n    weft.dev/admin: '${admin}'\n`),
    )
    await eventually(async () => {
      const { code, output } = await runCli(['egress', 'report', '-o', 'json', '--control', mesh.api])
      assert.equal(code, 0)
      assert.deepEqual(JSON.parse(output), {
        hosts: [
          { host: 'evil.example:443', from: 'shop/web-0', requests: 0, streams: 1, refused: 1 },
          { host: 'evil.example:80', from: 'shop/web-0', requests: 1, streams: 0, refused: 1 },
          { host: 'foreign.example:80', from: 'shop/web-0', requests: 1, streams: 0, refused: 1 },
        ],
        silent: [],
      })
    })
    const { output } = await runCli(['egress', 'report', '--control', mesh.api])
    assert.match(output, /^HOST +FROM +REQUESTS +STREAMS +REFUSED\nevil\.example:443 +shop\/web-0 +0 +1 +1\n/)
  })

  await t.test('a host of a wildcard is looked up for each call', async (t) => {
    const app = await startApplication('anywhere')
    t.after(() => app.close())
    mesh.apply('any', anyHost(app.port))
    await eventually(async () => {
      const { status, body } = await call(client.outbound, { host: `127.0.0.1:${app.port}` })
      assert.equal(`${status} ${body}`, '200 anywhere ')
    })
  })

  await t.test('by TLS each host of a wildcard has to be who it is', async (t) => {
    const [right, wrong] = [
      await startTlsServer(t, authority, '127.0.0.1'),
      await startTlsServer(t, authority, 'a.example'),
    ]
    const tls = ', tls: { caCertificateRefs: [{ group: "", kind: ConfigMap, name: any }] }'
    mesh.apply('ca', configMap('any', authority.pem))
    mesh.apply('any', anyHost(right.port, tls))
    await eventually(async () => {
      const { status } = await call(client.outbound, { host: `127.0.0.1:${right.port}` })
      assert.equal(status, 200)
    })
    mesh.apply('any', anyHost(wrong.port, tls))
    await eventually(async () => {
      const { headers } = await call(client.outbound, { host: `127.0.0.1:${wrong.port}` })
      assert.match(String(headers['weft-detail']), /it is for a\.example, not for 127\.0\.0\.1/)
    })
    mesh.remove('any')
  })

  await t.test('a pod is called by its address all the same', async (t) => {
    const app = await startApplication('db')
    t.after(() => app.close())
    mesh.applyService('db')
    const { inbound } = await mesh.startSidecar({ pod: 'db-0', app: 'db', port: app.port })
    const host = `127.0.0.1:${inbound.port}`
    await eventually(async () => {
      const { status, body } = await call(client.outbound, { host })
      assert.equal(`${status} ${body}`, '200 db ')
    })
    const { line, socket } = await connectThrough(client.outbound, host)
    socket.destroy()
    assert.match(line, /^HTTP\/1\.1 200 /)
  })

  await t.test('AllowAny lets them go again', async () => {
    mesh.apply('mesh', registryOnly.replace('RegistryOnly', 'AllowAny'))
    await eventually(async () => {
      // Nobody is there, which the proxy finds out by itself now.
      const { headers } = await call(client.outbound, { host: '127.0.0.1:9' })
      assert.match(String(headers['weft-detail']), /^upstream_connect_failed/)
    })
  })
})

test('BackendTLSPolicy: a Service whose pods end TLS is called by TLS, with a sidecar before them or without', async (t) => {
  const authority = testAuthority()
  const bare = await startTlsServer(t, authority, 'db.example')
  const meshed = await startTlsServer(t, authority, 'db.example')
  const mesh = await ProxyMesh.start(t)
  mesh.apply('ca', configMap('db', authority.pem))
  mesh.applyService('db')
  mesh.apply(
    'bare',
    `
apiVersion: v1
kind: Service
metadata: { name: bare, namespace: shop }
spec: { ports: [{ name: http, port: 80 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: bare, namespace: shop, labels: { kubernetes.io/service-name: bare } }
addressType: IPv4
ports: [{ name: http, port: ${bare.port} }]
endpoints: [{ addresses: [127.0.0.1] }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: { name: tls, namespace: shop }
spec:
  targetRefs: [{ group: "", kind: Service, name: bare }, { group: "", kind: Service, name: db, sectionName: http }]
  validation: { hostname: db.example, caCertificateRefs: [{ group: "", kind: ConfigMap, name: db }] }
`,
  )
  await mesh.startSidecar({ pod: 'db-0', app: 'db', port: meshed.port })
  const client = await mesh.startSidecar({ pod: 'web-0', app: 'web' })
  for (const [host, server] of [
    ['bare.shop', bare],
    ['db.shop', meshed],
  ] as const) {
    const { status, body } = await call(client.outbound, { host })
    assert.equal(`${status} ${body}`, `200 db.example asked for ${host}`)
    assert.deepEqual(server.names, ['db.example'])
  }

  await t.test('a certificate for another name is refused', async () => {
    const policy = readFileSync(join(mesh.folder, 'mesh', 'bare.yaml'), 'utf8')
    mesh.apply('bare', policy.replace('hostname: db.example', 'hostname: other.example'))
    await eventually(async () => {
      const { status, headers } = await call(client.outbound, { host: 'bare.shop' })
      assert.equal(status, 503)
      assert.match(String(headers['weft-detail']), /it is for db\.example, not for other\.example/)
    })
  })
})

test('under a mesh with identities the TLS of a program passes its sidecar, and `weft up` reports egress', async () => {
  const authority = testAuthority()
  const { chain, key } = authority.issue(['vault.example'])
  const program = `import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
const pem = (name) => readFileSync(new URL(name, import.meta.url))
createServer({ cert: pem('vault.crt'), key: pem('vault.key') }, (request, answer) => {
  answer.end(JSON.stringify({ ...request.headers, tls: request.socket.getProtocol() }))
}).listen(process.env.PORT, process.env.HOST)
`
  const mesh = new LaptopMesh('hello', {
    prepare: (folder) => {
      writeFileSync(join(folder, 'vault.crt'), chain)
      writeFileSync(join(folder, 'vault.key'), key)
      writeFileSync(join(folder, 'vault.mjs'), program)
      writeFileSync(join(folder, 'vault.yaml'), vault + configMap('vault', authority.pem).replace('shop', 'hello'))
      writeFileSync(join(folder, 'registry-only.yaml'), registryOnly)
    },
  })
  try {
    await mesh.ready()
    const outbound = mesh.workload('web').outbound!
    const { status, body } = await getThrough(outbound, 'http://vault/secret')
    assert.equal(status, 200, body)
    const headers = JSON.parse(body) as Record<string, string>
    assert.deepEqual([headers.host, headers.tls, headers['weft-peer']], ['vault', 'TLSv1.3', undefined])
    assert.equal((await getThrough(outbound, 'http://evil.example/')).status, 502)
    const { output } = await mesh.run('egress', 'report', '-o', 'json')
    const row = { host: 'evil.example:80', from: 'hello/web', requests: 1, streams: 0, refused: 1 }
    assert.deepEqual(JSON.parse(output), { hosts: [row], silent: [] })
  } finally {
    await mesh.stop()
  }
})
