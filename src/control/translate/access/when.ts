/** `when` of an AccessPolicy → alternatives of who and what, since a rule asks for both. */
import type { WhenTree } from '#/api/access-policy-when.ts'
import type { Combined, Permission, Principal } from '#/model/access.ts'
import { allOf, always, type Bias, notOf, oneOf, opposite } from './condition.ts'
import { exact, header, headerOf, hostOf } from './operation.ts'

/** Both must hold. */
export interface Alternative {
  principal: Combined<Principal>
  permission: Combined<Permission>
}

/** One that is about both `who` and `what` is told apart into alternatives, of which there may be too many. */
export const alternativesMax = 32

type Test = Extract<WhenTree, { type: 'test' }>

/** @returns undefined when there are more alternatives than `alternativesMax`. */
export function alternativesOf(tree: WhenTree, bias: Bias): Alternative[] | undefined {
  const all = spread(tree, bias)
  return all.length > alternativesMax ? undefined : all
}

function spread(tree: WhenTree, bias: Bias): Alternative[] {
  switch (tree.type) {
    case 'test':
      return [testOf(tree, bias)]
    case 'or':
      return merged(tree.parts.flatMap((part) => spread(part, bias)))
    case 'and':
      return tree.parts.map((part) => spread(part, bias)).reduce(product)
    case 'not':
      return negated(spread(tree.part, opposite(bias)))
  }
}

function product(some: readonly Alternative[], others: readonly Alternative[]): Alternative[] {
  // Beyond the bound it does not matter by how much.
  return some.slice(0, alternativesMax + 1).flatMap((one) =>
    others.slice(0, alternativesMax + 1).map((other) => ({
      principal: allOf([one.principal, other.principal]),
      permission: allOf([one.permission, other.permission]),
    })),
  )
}

/** Those that ask only who, or only what, are one each. */
function merged(all: readonly Alternative[]): Alternative[] {
  const who = all.filter(({ permission }) => permission.type === 'any')
  const what = all.filter(({ principal, permission }) => principal.type === 'any' && permission.type !== 'any')
  const both = all.filter(({ principal, permission }) => principal.type !== 'any' && permission.type !== 'any')
  return [
    ...(who.length > 0 ? [{ principal: oneOf(who.map(({ principal }) => principal)), permission: always }] : []),
    ...(what.length > 0 ? [{ principal: always, permission: oneOf(what.map(({ permission }) => permission)) }] : []),
    ...both,
  ]
}

/** Not (A or B) is not A and not B; not (who and what) is not who, or not what. */
function negated(all: readonly Alternative[]): Alternative[] {
  return all
    .map(({ principal, permission }) =>
      merged([
        ...(principal.type === 'any' ? [] : [{ principal: notOf(principal), permission: always }]),
        ...(permission.type === 'any' ? [] : [{ principal: always, permission: notOf(permission) }]),
      ]),
    )
    .reduce(product)
}

const text = { equals: 'exact', startsWith: 'prefix', endsWith: 'suffix', contains: 'contains' } as const

function testOf(test: Test, bias: Bias): Alternative {
  const values = test.values.map(String)
  if (test.attribute === 'connection.mtls')
    return { principal: { type: 'authenticated', match: { type: 'prefix', value: 'spiffe://' } }, permission: always }
  if (test.attribute === 'connection.uri_san_peer_certificate') {
    const type = test.operator === 'equals' ? 'exact' : test.operator === 'startsWith' ? 'prefix' : 'suffix'
    return {
      principal: oneOf(values.map((value) => ({ type: 'authenticated' as const, match: { type, value } }))),
      permission: always,
    }
  }
  return { principal: always, permission: permissionOf(test, values, bias) }
}

function permissionOf(test: Test, values: readonly string[], bias: Bias): Combined<Permission> {
  switch (test.attribute) {
    case 'request.method':
      return oneOf(values.map((value) => exact(':method', value)))
    case 'request.host':
      return oneOf(values.map(hostOf))
    case 'destination.port':
      return oneOf(values.map((value) => ({ type: 'port', port: Number(value) })))
    case 'request.headers':
      if (test.operator === 'present') return header({ name: test.header, type: 'present', value: '' })
      return headerOf({ name: test.header, values: [...values] }, bias)
    default: {
      const type = text[test.operator as keyof typeof text]
      return oneOf(values.map((value) => ({ type: 'path', match: { type, value } })))
    }
  }
}
