import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Service } from '#/api/core.ts'
import type { Sourced } from './resources.ts'
import { giveServiceAddresses } from './service-addresses.ts'

const origin = { file: 'services.yaml', line: 1, column: 1 }

function service(name: string, spec: Service['spec'] = {}): [string, Sourced<Service>] {
  const value: Service = { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'shop' }, spec }
  return [`shop/${name}`, { value, origin, locate: () => origin }]
}

const range = '198.19.16.0/24'
const addressesOf = (services: ReadonlyMap<string, Sourced<Service>>): Record<string, string | undefined> =>
  Object.fromEntries([...services].map(([key, { value }]) => [key, value.spec.clusterIP]))

test('every Service that needs an address gets one of the range, no two the same', () => {
  const services = new Map(Array.from({ length: 254 }, (_, i) => service(`s${i}`)))
  const addresses = Object.values(addressesOf(giveServiceAddresses(services, range)))
  assert.equal(new Set(addresses).size, 254)
  assert.ok(addresses.every((address) => /^198\.19\.16\.([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-4])$/.test(address!)))
  const more = new Map([...services, service('one-more')])
  assert.throws(() => giveServiceAddresses(more, range), /198\.19\.16\.0\/24 has too few addresses for 255 Services/)
})

test('addresses do not depend on the order of files, and what has one or wants none keeps it so', () => {
  const services = [
    service('a'),
    service('b'),
    service('own', { clusterIP: '198.19.16.9' }),
    service('headless', { clusterIP: 'None' }),
    service('outside', { type: 'ExternalName', externalName: 'example.org' }),
  ]
  const one = addressesOf(giveServiceAddresses(new Map(services), range))
  assert.deepEqual(addressesOf(giveServiceAddresses(new Map([...services].reverse()), range)), one)
  assert.equal(one['shop/own'], '198.19.16.9')
  assert.equal(one['shop/headless'], 'None')
  assert.equal(one['shop/outside'], undefined)
})

test('an unchanged Service stays the same object, and faults still find their place', () => {
  const services = new Map([service('a')])
  const first = giveServiceAddresses(services, range).get('shop/a')!
  assert.equal(giveServiceAddresses(services, range).get('shop/a'), first)
  assert.deepEqual(first.locate('spec.ports'), origin)
})

test('a range that is none is refused', () => {
  for (const wrong of ['198.19.16.0', '300.1.1.0/24', '198.19.16.0/31', 'fd00::/64'])
    assert.throws(() => giveServiceAddresses(new Map(), wrong), /expected A\.B\.C\.D/)
})
