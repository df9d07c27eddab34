/** What routing costs a request: `node src/proxy/route/route-table.bench.ts`. */
import { CompiledHost } from './compiled-host.ts'
import { loadRegex } from './regex.ts'
import { compileRoutes } from './route-table.ts'
import { measure } from './testing/measure.ts'
import { requestHead } from './testing/request-head.ts'
import { buildConfiguration, buildHost, buildPath, buildRoute, buildValue } from './testing/route-builder.ts'

const paths = (count: number) => Array.from({ length: count }, (_, i) => `/api/v1/service-${i}`)

function hostOf(count: number): CompiledHost {
  return new CompiledHost(
    buildHost([
      ...paths(count).map((path) => buildRoute(path, { path: buildPath('segment-prefix', path) })),
      buildRoute('rest'),
    ]),
  )
}

/** ns a request by number of routes. Every path is hit in turn. */
export function measureMatch(count: number, iterations: number): number {
  const host = hostOf(count)
  const heads = paths(count).map((path) => requestHead({ path: `${path}/item/42?color=blue` }))
  return measure(iterations, (i) => host.match(heads[i % count]!))
}

async function main(): Promise<void> {
  await loadRegex()
  const print = (name: string, ns: number) => console.log(`${name.padEnd(48)} ${ns.toFixed(0).padStart(6)} ns`)
  for (const count of [1, 4, 10, 100, 1000]) print(`match among ${count} routes`, measureMatch(count, 300_000))
  const table = compileRoutes(
    buildConfiguration(
      ...Array.from({ length: 1000 }, (_, i) => buildHost([buildRoute('r')], [`s${i}.shop`, `*.s${i}.example`])),
    ),
  )
  print(
    'findHost, exact of 1000',
    measure(300_000, (i) => table.findHost(`s${i % 1000}.shop`)),
  )
  print(
    'findHost, with port',
    measure(300_000, (i) => table.findHost(`s${i % 1000}.shop:80`)),
  )
  print(
    'findHost, suffix',
    measure(300_000, (i) => table.findHost(`w.s${i % 1000}.example`)),
  )
  const rich = new CompiledHost(
    buildHost([
      buildRoute('canary', { headers: [buildValue('x-user', 'exact', 'a')], query: [buildValue('q', 'exact', 'b')] }),
      buildRoute('pattern', { path: buildPath('regex', '/v[0-9]+/.*') }),
      buildRoute('rest'),
    ]),
  )
  const head = requestHead({ path: '/users/1?x=1&q=c', headers: ['accept', '*/*', 'x-user', 'a'] })
  print(
    'header, query, regex, then the default',
    measure(100_000, () => rich.match(head)),
  )
}

if (import.meta.main) await main()
