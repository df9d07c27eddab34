/**
 * CustomResourceDefinitions of Weft's own kinds, from the schemas that check files: `node tools/crds.ts > crds.yaml`. What OpenAPI can't
 * say is said by CEL rules, and the rest by Weft itself in an object's status.
 */
import { fileURLToPath } from 'node:url'
import { stringify } from 'yaml'
import { z } from 'zod'
import { type KindName, kinds } from '../src/api/kinds.ts'
import { pluralOf } from '../src/kubernetes/resource.ts'
import { structural } from './structural-schema.ts'

const ownGroup = 'weft.dev'

export const ownKinds = (Object.keys(kinds) as KindName[]).filter((kind) => kinds[kind].group === ownGroup)

interface Rule {
  rule: string
  message: string
}

/** Of the whole object: only there a rule sees the name. */
const objectRules: Partial<Record<KindName, Rule[]>> = {
  Mesh: [{ rule: "self.metadata.name == 'default'", message: 'there is one mesh, and it is called default' }],
}

export function definitionOf(kind: KindName): Record<string, unknown> {
  const { isNamespaced, schema } = kinds[kind]
  const plural = pluralOf(kind)
  const apiVersion = (schema.shape.apiVersion as unknown as { def: { values: string[] } }).def.values[0]!
  const { spec } = schema.shape as unknown as { spec: z.ZodType }
  const isOptional = spec.safeParse(undefined).success
  const rules = objectRules[kind]
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${ownGroup}`, labels: { 'app.kubernetes.io/part-of': 'weft' } },
    spec: {
      group: ownGroup,
      scope: isNamespaced ? 'Namespaced' : 'Cluster',
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), categories: ['weft'] },
      versions: [
        {
          name: apiVersion.split('/')[1],
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: [
            { name: 'Accepted', type: 'string', jsonPath: '.status.conditions[?(@.type=="Accepted")].status' },
            { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
          ],
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: structural(z.toJSONSchema(spec, { target: 'openapi-3.0', io: 'input', unrepresentable: 'any' })),
                status: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              },
              ...(isOptional ? {} : { required: ['spec'] }),
              ...(rules ? { 'x-kubernetes-validations': rules } : {}),
            },
          },
        },
      ],
    },
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  process.stdout.write(
    ownKinds.map((kind) => stringify(definitionOf(kind), { aliasDuplicateObjects: false })).join('---\n'),
  )
