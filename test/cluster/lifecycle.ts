/** A cluster from nothing to Ready, and back to nothing. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { corednsManifest } from './coredns.ts'
import { buildPrograms, programPath } from './go-build.ts'
import { imageTar } from './image/oci-image.ts'
import { keepSettings, restoreSettings } from './kernel-setting.ts'
import { writeCredentials } from './kubeconfig.ts'
import { kubectl } from './kubectl.ts'
import { killNode, nodePid, removeRemains, runInNode, startNode } from './node-process.ts'
import { clustersMax, corednsVersion, nodeName, type Plan, planCluster, stateFolder } from './plan.ts'
import { installPackages } from './requirement.ts'

const readyWaitMaxMs = 180_000

/** Clusters that run, or died without being taken down. */
export function listPlans(): Plan[] {
  if (!existsSync(stateFolder())) return []
  return readdirSync(stateFolder())
    .map((name) => join(stateFolder(), name, 'plan.json'))
    .filter((file) => existsSync(file))
    .map((file) => JSON.parse(readFileSync(file, 'utf8')) as Plan)
}

export interface UpOptions {
  name: string
  tell(line: string): void
}

/** Resolves when the node and the cluster's DNS are Ready; at once when the cluster runs already. */
export async function bringUp({ name, tell }: UpOptions): Promise<Plan> {
  const known = listPlans().find((plan) => plan.name === name)
  if (known && nodePid(known) !== undefined) return known
  if (known) await takeDown(known)
  installPackages(tell)
  await buildPrograms(tell)
  const plan = planCluster({ name, number: freeNumber() })
  mkdirSync(plan.folder, { recursive: true })
  writeFileSync(join(plan.folder, 'plan.json'), JSON.stringify(plan))
  try {
    keepSettings(plan, othersThan(plan))
    writeCredentials(plan)
    await startNode(plan)
    tell(`starting ${name}; logs in ${plan.folder}`)
    await makeReady(plan, tell)
    return plan
  } catch (error) {
    const log = join(plan.folder, 'node.log')
    const said = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-3).join(' | ') : ''
    throw new Error(`${error instanceof Error ? error.message : error}${said ? `; node.log: ${said}` : ''}`)
  }
}

export async function takeDown(plan: Plan): Promise<void> {
  await killNode(plan)
  // After the kubelet, which would set them again.
  restoreSettings(plan, othersThan(plan))
  await removeRemains(plan)
}

const othersThan = (plan: Plan): Plan[] => listPlans().filter(({ name }) => name !== plan.name)

function freeNumber(): number {
  const taken = new Set(listPlans().map(({ number }) => number))
  for (let number = 0; number < clustersMax; number++) if (!taken.has(number)) return number
  throw new Error(`${clustersMax} clusters are there already; npm run cluster:down -- NAME`)
}

async function makeReady(plan: Plan, tell: (line: string) => void): Promise<void> {
  const startMs = performance.now()
  await until(plan, 'the API server answers', () => kubectl(plan, ['get', '--raw', '/readyz']) === 'ok')
  await importImage(plan, { name: 'weft.test/pause:v1', program: programPath('pause') })
  await importImage(plan, { name: `weft.test/coredns:${corednsVersion}`, program: programPath('coredns') })
  await until(plan, 'the node is Ready', () => {
    const status = kubectl(plan, [
      'get',
      'node',
      nodeName,
      '-o',
      'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
    ])
    return status === 'True'
  })
  tell(`the node is Ready after ${seconds(startMs)} s`)
  kubectl(plan, ['apply', '--server-side', '-f', '-'], corednsManifest(plan))
  await until(plan, 'cluster DNS is Ready', () => {
    const path = 'jsonpath={.status.readyReplicas}'
    return kubectl(plan, ['-n', 'kube-system', 'get', 'deployment', 'coredns', '-o', path]) === '1'
  })
  tell(`cluster DNS is Ready after ${seconds(startMs)} s`)
}

const seconds = (startMs: number): string => ((performance.now() - startMs) / 1000).toFixed(1)

/** @throws Error with the last reason after `readyWaitMaxMs`, or at once when the node died. */
async function until(plan: Plan, what: string, isTrue: () => boolean): Promise<void> {
  const startMs = performance.now()
  let reason = ''
  while (performance.now() - startMs < readyWaitMaxMs) {
    if (nodePid(plan) === undefined) throw new Error(`the node died before ${what}`)
    try {
      if (isTrue()) return
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error)
    }
    await wait(250)
  }
  throw new Error(`not after ${readyWaitMaxMs / 1000} s: ${what}; ${reason}`)
}

/** A program that needs nothing else, as an image. */
async function importImage(plan: Plan, { name, program }: { name: string; program: string }): Promise<void> {
  const entry = `/${name.split('/')[1]!.split(':')[0]}`
  const files = [{ path: entry.slice(1), content: readFileSync(program), mode: 0o755 }]
  await importTar(plan, imageTar({ name, layers: [files], config: { Entrypoint: [entry] } }))
}

/** Gives the node an image; pods use it with `imagePullPolicy: Never`. */
export async function importTar(plan: Plan, tar: Buffer): Promise<void> {
  const file = join(plan.folder, 'image.tar')
  writeFileSync(file, tar)
  runInNode(plan, ['ctr', '-n', 'k8s.io', 'images', 'import', file])
}
