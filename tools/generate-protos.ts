/**
 * Generates TypeScript for the Envoy v3 protos into `src/xds/proto/` (never committed; see `docs/decisions/0003-xds.md`).
 *
 * The protos ship inside the `@grpc/grpc-js-xds` package. Its copy of protoc-gen-validate is older than its own
 * envoy-api by one field, so a working copy of `validate.proto` gets that field added. Runs in about a second and
 * skips itself when the inputs have not changed.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const out = join(root, 'src/xds/proto')
const require = createRequire(import.meta.url)

/** The messages that Weft encodes or decodes; everything they import comes along. */
const entries = [
  'envoy/service/discovery/v3/ads.proto',
  'envoy/service/discovery/v3/discovery.proto',
  'envoy/config/listener/v3/listener.proto',
  'envoy/config/route/v3/route.proto',
  'envoy/config/cluster/v3/cluster.proto',
  'envoy/config/endpoint/v3/endpoint.proto',
  'envoy/extensions/access_loggers/file/v3/file.proto',
  'envoy/extensions/access_loggers/stream/v3/stream.proto',
  'envoy/extensions/clusters/dynamic_forward_proxy/v3/cluster.proto',
  'envoy/extensions/filters/http/cors/v3/cors.proto',
  'envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy.proto',
  'envoy/extensions/filters/http/ext_authz/v3/ext_authz.proto',
  'envoy/extensions/filters/http/fault/v3/fault.proto',
  'envoy/extensions/filters/http/header_mutation/v3/header_mutation.proto',
  'envoy/extensions/filters/http/jwt_authn/v3/config.proto',
  'envoy/extensions/filters/http/local_ratelimit/v3/local_rate_limit.proto',
  'envoy/extensions/filters/http/ratelimit/v3/rate_limit.proto',
  'envoy/extensions/filters/http/rbac/v3/rbac.proto',
  'envoy/extensions/filters/http/router/v3/router.proto',
  'envoy/extensions/filters/listener/http_inspector/v3/http_inspector.proto',
  'envoy/extensions/filters/listener/original_dst/v3/original_dst.proto',
  'envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol.proto',
  'envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector.proto',
  'envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager.proto',
  'envoy/extensions/filters/network/rbac/v3/rbac.proto',
  'envoy/extensions/filters/network/tcp_proxy/v3/tcp_proxy.proto',
  'envoy/extensions/load_balancing_policies/least_request/v3/least_request.proto',
  'envoy/extensions/load_balancing_policies/random/v3/random.proto',
  'envoy/extensions/load_balancing_policies/ring_hash/v3/ring_hash.proto',
  'envoy/extensions/load_balancing_policies/round_robin/v3/round_robin.proto',
  'envoy/extensions/transport_sockets/proxy_protocol/v3/upstream_proxy_protocol.proto',
  'envoy/extensions/transport_sockets/raw_buffer/v3/raw_buffer.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls.proto',
  'envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config.proto',
  'envoy/extensions/upstreams/http/v3/http_protocol_options.proto',
  'envoy/service/auth/v3/external_auth.proto',
  'envoy/service/ratelimit/v3/rls.proto',
]

const template = {
  version: 'v2',
  inputs: [{ directory: '.', paths: [] as string[] }],
  plugins: [
    {
      local: [
        'node',
        require.resolve('@bufbuild/protoc-gen-es/package.json').replace('package.json', 'bin/protoc-gen-es'),
      ],
      out,
      strategy: 'all',
      include_imports: true,
      opt: ['target=ts', 'import_extension=ts', 'erasable_syntax=true'],
    },
  ],
}
const excluded = ['validate', 'udpa.annotations', 'xds.annotations', 'envoy.annotations']

function stampOf(deps: string): string {
  const hash = createHash('sha256')
  hash.update(readFileSync(fileURLToPath(import.meta.url)))
  hash.update(readFileSync(join(deps, '../package.json')))
  hash.update(readFileSync(require.resolve('@bufbuild/protoc-gen-es/package.json')))
  return hash.digest('hex')
}

function patchedValidate(deps: string): string {
  const file = readFileSync(join(deps, 'protoc-gen-validate/validate/validate.proto'), 'utf8').replaceAll('\r\n', '\n')
  const patched = file.replace(/(message StringRules \{\n)/, '$1    optional bool ignore_empty = 26;\n')
  if (patched === file)
    throw new Error('validate.proto no longer holds "message StringRules {": adapt tools/generate-protos.ts')
  return file.includes('optional bool ignore_empty = 26') ? file : patched
}

function main(): void {
  const deps = join(dirname(require.resolve('@grpc/grpc-js-xds/package.json')), 'deps')
  const stamp = stampOf(deps)
  const stampFile = join(out, '.stamp')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  const work = mkdtempSync(join(tmpdir(), 'weft-protos-'))
  try {
    for (const name of ['envoy-api', 'xds', 'googleapis'])
      cpSync(join(deps, name), join(work, name), { recursive: true })
    mkdirSync(join(work, 'validate/validate'), { recursive: true })
    writeFileSync(join(work, 'validate/validate/validate.proto'), patchedValidate(deps))
    const modules = ['envoy-api', 'xds', 'googleapis', 'validate'].map((path) => ({ path }))
    writeFileSync(join(work, 'buf.yaml'), JSON.stringify({ version: 'v2', modules }))
    template.plugins[0] = { ...template.plugins[0], exclude_types: excluded } as never
    const { inputs: _, ...gen } = template
    writeFileSync(join(work, 'buf.gen.yaml'), JSON.stringify(gen))
    rmSync(out, { recursive: true, force: true })
    const paths = entries.flatMap((entry) => ['--path', join('envoy-api', entry)])
    execFileSync(process.execPath, [require.resolve('@bufbuild/buf/bin/buf'), 'generate', ...paths], {
      cwd: work,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    writeFileSync(stampFile, stamp)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

main()
