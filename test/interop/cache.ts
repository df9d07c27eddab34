/** The folder outside the checkout where tests keep what they installed or built, so that the second run is quick. */
import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

export function cacheFolder(name: string): string {
  const root = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  const folder = join(root, 'weft', name)
  mkdirSync(folder, { recursive: true })
  return folder
}
