/** Programs of Debian's packages, for tests against the real thing: installed when they are missing. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

/** Servers stand where only root's PATH looks. */
const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/local/sbin']

/** @returns the path of the program; undefined when no folder has it. */
export function findProgram(name: string): string | undefined {
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/**
 * Makes sure that the programs are there.
 * @param programs name of a program → the Debian package that has it.
 * @throws when one is missing and can't be installed, with the command that a person would give.
 */
export function needPrograms(programs: Readonly<Record<string, string>>): void {
  const missing = (): string[] => Object.keys(programs).filter((name) => findProgram(name) === undefined)
  const packages = [...new Set(missing().map((name) => programs[name]!))]
  if (packages.length === 0) return
  const advice = `apt-get install --no-install-recommends ${packages.join(' ')}`
  if (process.getuid?.() !== 0 || findProgram('apt-get') === undefined) {
    throw new Error(`${missing().join(', ')}: not installed; as root: ${advice}`)
  }
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  // Lists of packages may never have been fetched on this machine.
  const install = (): boolean => {
    const words = ['install', '--yes', '--quiet', '--no-install-recommends', ...packages]
    return spawnSync('apt-get', words, { env: environment, stdio: 'ignore' }).status === 0
  }
  if (!install()) {
    execFileSync('apt-get', ['update', '--quiet'], { env: environment, stdio: 'ignore' })
    install()
  }
  const still = missing()
  if (still.length > 0) throw new Error(`${still.join(', ')}: could not be installed; try: ${advice}`)
}
