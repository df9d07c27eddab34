/** Resources from YAML text, read by the real source. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOnce } from '#/control/source/file-source.ts'
import type { Resources } from '#/control/source/resources.ts'

/** Runs `use` with the resources, and the folder in which their file lies, which is there for so long. */
export function withResources<T>(yaml: string, use: (resources: Resources, folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'weft-resources-'))
  try {
    writeFileSync(join(folder, 'objects.yaml'), yaml)
    const { resources, faults } = readOnce([folder])
    const errors = faults.filter(({ severity }) => severity === 'error')
    if (errors.length > 0) throw new Error(JSON.stringify(errors))
    return use(resources, folder)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A Deployment of one container; `container` is YAML in flow style. */
export function deploymentYaml(
  container: string,
  options: { name?: string; replicas?: number; labels?: string } = {},
): string {
  const { name = 'cart', replicas = 1, labels = '{ app: cart }' } = options
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}, namespace: shop }
spec:
  replicas: ${replicas}
  selector: { matchLabels: ${labels} }
  template:
    metadata: { labels: ${labels} }
    spec: { serviceAccountName: default, containers: [${container}] }
`
}
