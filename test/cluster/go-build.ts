/**
 * Kubernetes, CoreDNS and a sandbox program, built from Go modules into the cache. The second time nothing is built: a program is
 * named by its version, and is moved to its name when whole.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cacheFolder, corednsVersion, kubernetesVersion, stagingVersion } from './plan.ts'

export const kubernetesPrograms = [
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'kube-proxy',
  'kubectl',
] as const
export type ProgramName = (typeof kubernetesPrograms)[number] | 'coredns' | 'pause'

interface GoProgram {
  name: ProgramName
  version: string
  package: string
  /** Folder of the module that is built in. */
  module: string
}

const programs: readonly GoProgram[] = [
  ...kubernetesPrograms.map((name) => ({
    name,
    version: kubernetesVersion,
    package: `k8s.io/kubernetes/cmd/${name}`,
    module: 'kubernetes',
  })),
  { name: 'coredns', version: corednsVersion, package: 'github.com/coredns/coredns', module: 'coredns' },
  { name: 'pause', version: 'v1', package: '.', module: 'pause' },
]

export function programPath(name: ProgramName): string {
  const { version } = programs.find((program) => program.name === name)!
  return join(cacheFolder(), 'bin', `${name}-${version}`)
}

function go(args: readonly string[], folder: string): string {
  const result = spawnSync('go', args, { cwd: folder, env: goEnvironment(), encoding: 'utf8', maxBuffer: 1 << 26 })
  if (result.status !== 0)
    throw new Error(`go ${args.join(' ')}: ${result.stderr.trim().split('\n').slice(-3).join(' | ')}`)
  return result.stdout
}

const goEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' })

/** `k8s.io/kubernetes` replaces its staging modules by folders that its module does not hold; each has a module of its own. */
export function kubernetesModule(upstream: string): string {
  const goLine = /^go .*$/m.exec(upstream)![0]
  const staged = [...upstream.matchAll(/^\s*(k8s\.io\/[a-z0-9-]+) => \.\/staging\//gm)].map((match) => match[1]!)
  return [
    'module weft.dev/test/cluster',
    goLine,
    `require k8s.io/kubernetes ${kubernetesVersion}`,
    `tool (\n${kubernetesPrograms.map((name) => `\tk8s.io/kubernetes/cmd/${name}`).join('\n')}\n)`,
    `replace (\n${staged.map((name) => `\t${name} => ${name} ${stagingVersion}`).join('\n')}\n)`,
    '',
  ].join('\n\n')
}

function prepareModule(module: string): string {
  const folder = join(cacheFolder(), 'module', module)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'go.mod')
  const stamp = join(folder, `prepared-${module === 'kubernetes' ? kubernetesVersion : corednsVersion}`)
  if (existsSync(stamp)) return folder
  if (module === 'kubernetes') {
    const { GoMod } = JSON.parse(
      go(['mod', 'download', '-json', `k8s.io/kubernetes@${kubernetesVersion}`], cacheFolder()),
    )
    writeFileSync(file, kubernetesModule(readFileSync(GoMod, 'utf8')))
  } else if (module === 'coredns') {
    const tool = 'github.com/coredns/coredns'
    writeFileSync(
      file,
      `module weft.dev/test/coredns\n\ngo 1.24\n\nrequire ${tool} ${corednsVersion}\n\ntool ${tool}\n`,
    )
  } else {
    writeFileSync(file, 'module weft.dev/test/pause\n\ngo 1.24\n')
    const source = fileURLToPath(new URL('image/testdata/pause.go', import.meta.url))
    writeFileSync(join(folder, 'pause.go'), readFileSync(source))
  }
  if (module !== 'pause') go(['mod', 'tidy'], folder)
  writeFileSync(stamp, '')
  return folder
}

/** Builds what is not in the cache, one program after another, with the lowest priority: others use this machine too. */
export async function buildPrograms(tell: (line: string) => void): Promise<void> {
  mkdirSync(join(cacheFolder(), 'bin'), { recursive: true })
  const wanted = programs.filter(({ name }) => !existsSync(programPath(name)))
  for (const [index, program] of wanted.entries()) {
    const startMs = performance.now()
    tell(`building ${program.name} ${program.version} (${index + 1} of ${wanted.length}; minutes the first time)`)
    await build(program, prepareModule(program.module))
    tell(`built ${program.name} in ${Math.round((performance.now() - startMs) / 1000)} s`)
  }
}

function build({ name, version, package: path }: GoProgram, folder: string): Promise<void> {
  const target = programPath(name)
  // Without its version a component says v0.0.0 and refuses what is newer than that.
  const flags = `-s -w -X k8s.io/component-base/version.gitVersion=${version}`
  const args = ['-n', '19', 'go', 'build', '-trimpath', '-ldflags', flags, '-o', `${target}.new`, path]
  const child = spawn('nice', args, { cwd: folder, env: goEnvironment(), stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-2000)
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => {
      if (code !== 0) return reject(new Error(`building ${name} failed: ${said.trim()}`))
      renameSync(`${target}.new`, target)
      resolve()
    })
  })
}
