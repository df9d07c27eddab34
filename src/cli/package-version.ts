/** The version of Weft, from package.json. */
import { existsSync, readFileSync } from 'node:fs'

export function packageVersion(): string {
  // Two folders up from the source, one up from a bundle in `dist/`.
  for (const place of ['../../package.json', '../package.json']) {
    const file = new URL(place, import.meta.url)
    if (existsSync(file)) return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version
  }
  return 'unknown'
}
