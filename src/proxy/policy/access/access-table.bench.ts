/** What access rules cost a request: `node src/proxy/policy/access/access-table.bench.ts`. */
import type { RequestHead } from '#/codec/message.ts'
import type { AccessRule, AccessRules, Permission } from '#/model/access.ts'
import { measure } from '../../route/testing/measure.ts'
import { AccessTable } from './access-table.ts'

const web = 'spiffe://cluster.local/ns/shop/sa/web'

function header(name: string, value: string): Permission {
  return { type: 'header', match: { name, type: 'exact', value, isInverted: false } }
}

/** A service account, a method and a template, all others than those asked for but in the last. */
function ruleOf(index: number, count: number): AccessRule {
  const isLast = index === count - 1
  const account = isLast ? web : `spiffe://cluster.local/ns/shop/sa/caller-${index}`
  return {
    name: `AccessPolicy/shop/p rule ${index}`,
    principal: { type: 'authenticated', match: { type: 'exact', value: account } },
    permission: {
      type: 'and',
      conditions: [
        { type: 'or', conditions: [header(':method', 'GET'), header(':method', 'POST')] },
        { type: 'path', match: { type: 'template', value: `/service-${index}/*/lines/**` } },
      ],
    },
  }
}

/** Denies that do not hold, and allows of which the last does. */
function tableOf(denies: number, allows: number): { table: AccessTable; head: RequestHead } {
  const rules: AccessRules = {
    deny: Array.from({ length: denies }, (_, index) => ruleOf(index, 0)),
    allow: Array.from({ length: allows }, (_, index) => ruleOf(index, allows)),
    audit: [],
  }
  const head: RequestHead = {
    method: 'GET',
    scheme: 'http',
    authority: 'orders.shop',
    path: `/service-${allows - 1}/7/lines/3?color=blue`,
    headers: ['accept', '*/*', 'user-agent', 'bench'],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
  }
  return { table: new AccessTable(rules), head }
}

/** ns a request. */
export function measureAccess(denies: number, allows: number, iterations: number): number {
  const { table, head } = tableOf(denies, allows)
  const question = { principals: [web], address: '10.0.0.7', port: 8080, head }
  return measure(iterations, () => {
    table.audit(question)
    return table.decide(question)
  })
}

if (import.meta.main)
  for (const [denies, allows] of [
    [0, 1],
    [10, 10],
    [50, 50],
    [0, 100],
  ] as const) {
    const ns = measureAccess(denies, allows, 300_000)
    console.log(`${`${denies} rules that deny, ${allows} that allow`.padEnd(40)} ${ns.toFixed(0).padStart(6)} ns`)
  }
