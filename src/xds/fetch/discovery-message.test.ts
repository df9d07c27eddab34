import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromBinary, toJson } from '@bufbuild/protobuf'
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '#/xds/proto/envoy/service/discovery/v3/discovery_pb.ts'
import { deltaResponse, sotwResponse } from '../serve/response.ts'
import { encodeResource } from '../testing/encode-resource.ts'
import { clusterNamed } from '../testing/fixed-snapshot.ts'
import { decodeDeltaResponse, decodeSotwResponse, encodeDeltaRequest, encodeSotwRequest } from './discovery-message.ts'

const node = { id: 'pod.ns', cluster: 'app', userAgent: 'weft', userAgentVersion: '1', metadata: { namespace: 'ns' } }
const nodeJson = {
  id: 'pod.ns',
  cluster: 'app',
  metadata: { namespace: 'ns' },
  userAgentName: 'weft',
  userAgentVersion: '1',
}

test('a delta request is what the generated code reads', () => {
  const bytes = encodeDeltaRequest({
    node,
    typeUrl: 't',
    subscribe: ['a', 'b'],
    unsubscribe: ['c'],
    initialVersions: new Map([['a', '1']]),
    responseNonce: 'n',
    errorMessage: 'bad',
  })
  assert.deepEqual(toJson(DeltaDiscoveryRequestSchema, fromBinary(DeltaDiscoveryRequestSchema, bytes)), {
    node: nodeJson,
    typeUrl: 't',
    resourceNamesSubscribe: ['a', 'b'],
    resourceNamesUnsubscribe: ['c'],
    initialResourceVersions: { a: '1' },
    responseNonce: 'n',
    errorDetail: { code: 3, message: 'bad' },
  })
})

test('a state-of-the-world request is what the generated code reads', () => {
  const bytes = encodeSotwRequest({
    node,
    typeUrl: 't',
    versionInfo: '4',
    names: ['a'],
    responseNonce: 'n',
    errorMessage: 'bad',
  })
  assert.deepEqual(toJson(DiscoveryRequestSchema, fromBinary(DiscoveryRequestSchema, bytes)), {
    versionInfo: '4',
    node: nodeJson,
    resourceNames: ['a'],
    typeUrl: 't',
    responseNonce: 'n',
    errorDetail: { code: 3, message: 'bad' },
  })
})

test('responses put together from encoded resources are read back', () => {
  const resource = encodeResource('cluster', clusterNamed('a'))
  const delta = decodeDeltaResponse(
    deltaResponse({
      typeUrl: 't',
      version: '1',
      nonce: 'n',
      updates: [{ resource, aliases: ['b', 'c'] }],
      removed: ['d'],
    }),
  )
  assert.deepEqual([delta.typeUrl, delta.nonce, delta.removed], ['t', 'n', ['d']])
  assert.deepEqual(
    [delta.resources[0]!.name, delta.resources[0]!.version, delta.resources[0]!.aliases],
    ['a', resource.version, ['b', 'c']],
  )
  const sotw = decodeSotwResponse(sotwResponse({ typeUrl: 't', version: '1', nonce: 'n', resources: [resource] }))
  assert.deepEqual(sotw.resources[0]!.body, delta.resources[0]!.body)
})
