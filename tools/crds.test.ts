import assert from 'node:assert/strict'
import { test } from 'node:test'
import { definitionOf, ownKinds } from './crds.ts'
import { structural } from './structural-schema.ts'

type Schema = Record<string, unknown>

/** Paths of what is not structural: no type, and neither an exception that Kubernetes knows. */
function faultsOf(schema: Schema, path: string): string[] {
  const hasType = ['type', 'x-kubernetes-preserve-unknown-fields', 'x-kubernetes-int-or-string'].some(
    (key) => key in schema,
  )
  const banned = ['anyOf', 'oneOf', 'allOf', 'not', '$ref', 'const', 'propertyNames'].filter((key) => key in schema)
  const below = [
    ...Object.entries((schema.properties ?? {}) as Record<string, Schema>),
    ...(schema.items ? [['[]', schema.items as Schema] as const] : []),
    ...(typeof schema.additionalProperties === 'object' ? [['*', schema.additionalProperties as Schema] as const] : []),
  ]
  return [
    ...(hasType ? [] : [`${path} has no type`]),
    ...banned.map((key) => `${path} has ${key}`),
    ...(schema.additionalProperties === false ? [`${path} forbids other fields`] : []),
    ...below.flatMap(([name, child]) => faultsOf(child, `${path}.${name}`)),
  ]
}

test('every kind of Weft gives a structural schema', () => {
  for (const kind of ownKinds) {
    const { spec } = definitionOf(kind) as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } }
    assert.deepEqual(faultsOf(spec.versions[0]!.schema.openAPIV3Schema, kind), [])
  }
})

test('a union of objects takes the fields of all, and requires what all require', () => {
  const branch = (name: string): Schema => ({
    type: 'object',
    properties: { type: { type: 'string', enum: [name] }, [name]: { type: 'integer' } },
    required: ['type', name],
    additionalProperties: false,
  })
  assert.deepEqual(structural({ oneOf: [branch('a'), branch('b')] }), {
    type: 'object',
    properties: { type: { type: 'string', enum: ['a', 'b'] }, a: { type: 'integer' }, b: { type: 'integer' } },
    required: ['type'],
  })
  assert.deepEqual(structural({ anyOf: [{ type: 'integer' }, { type: 'string' }] }), {
    'x-kubernetes-int-or-string': true,
  })
})
