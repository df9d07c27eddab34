/**
 * Identity × method × path × header, under many policies. What is expected is said by a function a policy set, in plain words of this
 * language and by nothing of what decides in the product.
 */

export interface Call {
  /** Service account; empty for a caller without a certificate. */
  caller: string
  method: string
  /** As it is sent. */
  path: string
  /** As the application would read it; empty for one that may be read in two ways. */
  plain: string
  headers: readonly string[]
}

export type Outcome = 'allowed' | 'denied' | 'refused'

export interface PolicySet {
  name: string
  /** `spec` of each policy of namespace shop. */
  specs: readonly object[]
  /** Rules look at paths, so that those that may be read in two ways are refused. */
  seesPaths: boolean
  expected(call: Call): boolean
  /** Envoy's words can't say it. */
  isOursAlone?: boolean
}

export const trustDomain = 'cluster.local'
export const callers = ['shop/web', 'shop/orders', 'support/desk', ''] as const

export function idOf(caller: string): string {
  const [namespace, account] = caller.split('/')
  return caller === '' ? '' : `spiffe://${trustDomain}/ns/${namespace}/sa/${account}`
}

/** As sent, and as an application would read it. */
const paths: readonly [string, string][] = [
  ['/', '/'],
  ['/orders', '/orders'],
  ['/orders/', '/orders/'],
  ['/orders/7', '/orders/7'],
  ['/orders/7/lines', '/orders/7/lines'],
  ['/orders/7?admin=/admin', '/orders/7?admin=/admin'],
  ['/admin', '/admin'],
  ['/admin/keys', '/admin/keys'],
  ['//admin', '/admin'],
  ['/orders/../admin', '/admin'],
  ['/orders/%2e%2e/admin', '/admin'],
  ['/%61dmin', '/admin'],
  ['/./admin/./keys', '/admin/keys'],
  ['/orders/..%2fadmin', ''],
  ['/admin;x=1', ';'],
  ['/orders/..;/admin', ';'],
  ['/administrator', '/administrator'],
]

const methods = ['GET', 'POST', 'DELETE'] as const

const headerLists: readonly (readonly string[])[] = [
  [],
  ['x-team', 'blue'],
  ['x-team', 'red', 'x-team', 'blue'],
  ['x-team', 'navy-blue'],
]

/** Every caller and method on every path; headers where they may matter. */
export function callsOf(set: PolicySet): Call[] {
  const hasHeaders = JSON.stringify(set.specs).includes('eaders')
  const calls: Call[] = []
  for (const caller of callers)
    for (const method of methods)
      for (const [path, plain] of paths)
        for (const headers of hasHeaders ? headerLists : headerLists.slice(0, 1))
          if (!hasHeaders || path.length < 12) calls.push({ caller, method, path, plain, headers })
  return calls
}

export function expectedOf(set: PolicySet, call: Call): Outcome {
  if (!set.seesPaths) return set.expected(call) ? 'allowed' : 'denied'
  if (call.plain === '') return 'refused'
  if (call.plain === ';') return 'denied'
  return set.expected({ ...call, plain: call.plain.split('?')[0]! }) ? 'allowed' : 'denied'
}

const isAdmin = ({ plain }: Call): boolean => plain === '/admin' || plain.startsWith('/admin/')
const isWeb = ({ caller }: Call): boolean => caller === 'shop/web'
const isShop = ({ caller }: Call): boolean => caller.startsWith('shop/')
const isBlue = ({ headers }: Call): boolean => headers.length === 2 && headers[1] === 'blue'
const hasBlue = ({ headers }: Call): boolean => headers.includes('blue')

export const policySets: readonly PolicySet[] = [
  { name: 'no policy', specs: [], seesPaths: false, expected: () => true },
  { name: 'deny by default', specs: [{}], seesPaths: false, expected: () => false },
  { name: 'an allow of everything', specs: [{}, { rules: [{}] }], seesPaths: false, expected: () => true },
  {
    name: 'one service account',
    specs: [{ rules: [{ from: [{ serviceAccounts: ['web'] }] }] }],
    seesPaths: false,
    expected: isWeb,
  },
  {
    name: 'a namespace, and an account of another',
    specs: [{ rules: [{ from: [{ namespaces: ['shop'] }, { serviceAccounts: ['support/desk'] }] }] }],
    seesPaths: false,
    expected: (call) => isShop(call) || call.caller === 'support/desk',
  },
  {
    name: 'any caller that is verified',
    specs: [{ rules: [{ from: [{ serviceAccounts: ['*'] }] }] }],
    seesPaths: false,
    expected: ({ caller }) => caller !== '',
  },
  {
    name: 'everybody verified but one',
    specs: [{ rules: [{ from: [{ notServiceAccounts: ['web'] }] }] }],
    seesPaths: false,
    expected: (call) => call.caller !== '' && !isWeb(call),
  },
  {
    name: 'nobody from outside the namespace, verified or not',
    specs: [{ action: 'Deny', rules: [{ from: [{ notNamespaces: ['shop'] }] }] }],
    seesPaths: false,
    expected: isShop,
  },
  {
    name: 'another trust domain',
    specs: [{ rules: [{ from: [{ trustDomains: ['other.example'], serviceAccounts: ['shop/web'] }] }] }],
    seesPaths: false,
    expected: () => false,
  },
  {
    name: 'by address',
    specs: [
      { rules: [{ from: [{ ipBlocks: ['127.0.0.0/8'] }] }] },
      { action: 'Deny', rules: [{ from: [{ ipBlocks: ['127.0.0.0/8'], notIpBlocks: ['127.0.0.1'] }] }] },
    ],
    seesPaths: false,
    expected: () => true,
  },
  {
    name: 'methods',
    specs: [
      {
        rules: [
          { to: [{ methods: ['GET'] }] },
          { from: [{ serviceAccounts: ['web'] }], to: [{ notMethods: ['DELETE'] }] },
        ],
      },
    ],
    seesPaths: false,
    expected: (call) => call.method === 'GET' || (isWeb(call) && call.method !== 'DELETE'),
  },
  {
    name: 'deny a path and all below',
    specs: [{ action: 'Deny', rules: [{ to: [{ paths: ['/admin', '/admin/**'] }] }] }],
    seesPaths: true,
    expected: (call) => !isAdmin(call),
  },
  {
    name: 'all paths but one',
    specs: [{ rules: [{ to: [{ notPaths: ['/admin', '/admin/**'] }] }] }],
    seesPaths: true,
    expected: (call) => !isAdmin(call),
  },
  {
    name: 'a template of one segment',
    specs: [{ rules: [{ to: [{ paths: ['/orders', '/orders/{id}'] }] }] }],
    seesPaths: true,
    expected: ({ plain }) => /^\/orders(\/[^/]+)?$/.test(plain),
  },
  {
    name: 'a template within and all below',
    specs: [{ rules: [{ to: [{ paths: ['/orders/*/lines', '/admin/**'] }] }] }],
    seesPaths: true,
    expected: ({ plain }) => /^\/orders\/[^/]+\/lines$/.test(plain) || plain.startsWith('/admin/'),
  },
  {
    name: 'a deny wins over an allow',
    specs: [
      { rules: [{ from: [{ namespaces: ['shop'] }] }] },
      {
        action: 'Deny',
        rules: [{ from: [{ notServiceAccounts: ['web'] }], to: [{ paths: ['/admin', '/admin/**'] }] }],
      },
    ],
    seesPaths: true,
    expected: (call) => isShop(call) && (isWeb(call) || !isAdmin(call)),
  },
  {
    name: 'an audit changes nothing',
    specs: [{ action: 'Audit', rules: [{}] }, { rules: [{ from: [{ namespaces: ['shop'] }] }] }],
    seesPaths: false,
    expected: isShop,
  },
  {
    name: 'allow by a header, which a repeated field is not',
    specs: [{ rules: [{ to: [{ headers: [{ name: 'X-Team', values: ['blue'] }] }] }] }],
    seesPaths: false,
    expected: isBlue,
  },
  {
    name: 'deny by a header, wherever it stands in a repeated field',
    specs: [{ action: 'Deny', rules: [{ to: [{ headers: [{ name: 'x-team', values: ['blue', 'green'] }] }] }] }],
    seesPaths: false,
    expected: (call) => !hasBlue(call),
  },
  {
    name: 'a header that is there, and one that is not',
    specs: [
      { rules: [{ to: [{ headers: [{ name: 'x-team' }], notHeaders: [{ name: 'x-team', values: ['blue'] }] }] }] },
    ],
    seesPaths: false,
    expected: (call) => call.headers.length > 0 && !hasBlue(call),
  },
  {
    name: 'hosts, without case, port or the last dot',
    specs: [
      { rules: [{ to: [{ hosts: ['ORDERS.shop'] }] }] },
      { action: 'Deny', rules: [{ to: [{ notHosts: ['*.shop'] }] }] },
    ],
    seesPaths: false,
    expected: () => true,
  },
  {
    name: 'a Service and one of its ports',
    specs: [
      {
        targetRefs: [{ group: '', kind: 'Service', name: 'orders', sectionName: 'http' }],
        rules: [{ from: [{ serviceAccounts: ['web'] }] }],
      },
      {
        targetRefs: [{ group: '', kind: 'Service', name: 'orders', sectionName: 'metrics' }],
        action: 'Deny',
        rules: [{}],
      },
    ],
    seesPaths: false,
    expected: isWeb,
  },
  {
    name: 'ports of the workload',
    specs: [
      { rules: [{ to: [{ ports: [8080] }], from: [{ serviceAccounts: ['web'] }] }, { to: [{ notPorts: [8080] }] }] },
      { action: 'Deny', rules: [{ to: [{ ports: [9090] }] }] },
    ],
    seesPaths: false,
    expected: isWeb,
  },
  {
    name: 'requests that come by a route, and all others as without',
    specs: [
      {
        targetRefs: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'admin' }],
        rules: [{ from: [{ serviceAccounts: ['web'] }] }],
      },
    ],
    seesPaths: true,
    expected: (call) => !isAdmin(call) || isWeb(call),
  },
  {
    name: 'an expression of who and what',
    specs: [
      {
        rules: [
          {
            when: "(connection.uri_san_peer_certificate.endsWith('/sa/web') && request.method != 'DELETE') || (request.method == 'GET' && !(request.headers['x-team'] == 'blue'))",
          },
        ],
      },
    ],
    seesPaths: false,
    expected: (call) => (isWeb(call) && call.method !== 'DELETE') || (call.method === 'GET' && !hasBlue(call)),
  },
  {
    name: 'an expression that denies by path or header',
    specs: [
      {
        action: 'Deny',
        rules: [
          {
            when: "!connection.mtls && (request.url_path.startsWith('/admin') || request.headers['x-team'] == 'blue')",
          },
        ],
      },
    ],
    seesPaths: true,
    expected: (call) => call.caller !== '' || !(call.plain.startsWith('/admin') || hasBlue(call)),
  },
  {
    name: 'a gRPC method, which needs its content type',
    specs: [{ rules: [{ to: [{ grpc: [{ service: 'shop.Orders' }] }] }] }],
    seesPaths: true,
    expected: () => false,
  },
]
