/**
 * Where a laptop mesh keeps its state, and how the command line finds one that runs: a folder for each directory of YAML
 * under `$XDG_STATE_HOME/weft` (https://specifications.freedesktop.org/basedir/), else `~/.local/state/weft`.
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, isAbsolute, join } from 'node:path'
import { writeFileAtomically } from '#/std/atomic-file.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What stands in `up.json` while a mesh runs. */
export interface RunningMesh {
  pid: number
  /** The directory of YAML. */
  directory: string
  /** URL of the control plane's HTTP API. */
  api: string
  /** `host:port` of its xDS. */
  xds: string
}

export interface StateFolder {
  path: string
  /** One file a replica, read by the control plane. */
  pods: string
  logs: string
  /** Last good configuration of sidecars. */
  sidecars: string
  /** Programs bundled for this run. */
  programs: string
  /** Roots, keys and what else is secret; kept from run to run. */
  identity: string
  /** Traffic seen and the audit log; kept from run to run. */
  records: string
  /** What sidecars trust. */
  trust: string
}

export function stateRoot(environment: Environment): string {
  const home = environment.XDG_STATE_HOME
  return join(home && isAbsolute(home) ? home : join(environment.HOME || homedir(), '.local', 'state'), 'weft')
}

/** `shop-3f9a1c07`: the last part of the directory's path for people, a hash of the whole for certainty. */
export function stateFolderOf(root: string, directory: string): StateFolder {
  const real = realpathSync(directory)
  const hash = createHash('sha256').update(real).digest('hex').slice(0, 8)
  const name = basename(real).replace(/[^\w.-]/g, '_') || 'root'
  const path = join(root, `${name}-${hash}`)
  const inside = (part: string): string => join(path, part)
  return {
    path,
    pods: inside('pods'),
    logs: inside('logs'),
    sidecars: inside('sidecars'),
    programs: inside('programs'),
    identity: inside('identity'),
    records: inside('records'),
    trust: join(inside('identity'), 'trust'),
  }
}

/** Makes the folder for a new run: what an earlier one said about its processes is gone. */
export function prepareStateFolder(folder: StateFolder): void {
  rmSync(folder.pods, { recursive: true, force: true })
  for (const path of [folder.pods, folder.logs, folder.sidecars, folder.programs, folder.identity]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
  }
}

export function writeRunningMesh(folder: StateFolder, mesh: RunningMesh): void {
  writeFileAtomically(join(folder.path, 'up.json'), `${JSON.stringify(mesh)}\n`)
}

export function forgetRunningMesh(folder: StateFolder): void {
  rmSync(join(folder.path, 'up.json'), { force: true })
}

/** The mesh whose state is in this folder, if its supervisor is alive. */
export function readRunningMesh(path: string): RunningMesh | undefined {
  const file = join(path, 'up.json')
  if (!existsSync(file)) return undefined
  const mesh = parseMesh(readFileSync(file, 'utf8'))
  return mesh && isWeft(mesh.pid) ? mesh : undefined
}

/** All meshes that run under `root`. */
export function findRunningMeshes(root: string): RunningMesh[] {
  if (!existsSync(root)) return []
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.flatMap(({ name }) => readRunningMesh(join(root, name)) ?? [])
}

function parseMesh(text: string): RunningMesh | undefined {
  try {
    const mesh = JSON.parse(text) as Partial<RunningMesh> | null
    const isWhole = typeof mesh?.pid === 'number' && typeof mesh.api === 'string' && typeof mesh.directory === 'string'
    return isWhole ? (mesh as RunningMesh) : undefined
  } catch (error) {
    // Not a file of ours, or a damaged one: as good as none.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** True when the process lives and is ours: its id may have gone to another program since. */
function isWeft(pid: number): boolean {
  try {
    const command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' })
    return /\bweft\b/.test(command)
  } catch {
    // No such process.
    return false
  }
}
