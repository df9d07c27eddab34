/**
 * The house rules as a program: who may import whom, what the proxy may load, sizes, names, dead files, and bans that
 * name their cure. `npm run check` runs it; `node tools/tidy.ts --ratchet` lowers the ratchet after an improvement.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { allowedImports, bannedNames, bans, fileLinesMax, proxyForbidden } from './tidy-rules.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const ratchetFile = join(root, 'tools/tidy-ratchet.json')

interface Source {
  path: string
  text: string
  imports: string[]
}

function filesUnder(folder: string): string[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .filter(
      (path) => !path.startsWith('src/xds/proto/') && !path.includes('/node_modules/') && !path.includes('/testdata/'),
    )
    .sort()
}

/** Imported paths as repository paths (`src/…`) or package names; type-only imports are marked with a leading `type `. */
export function importsOf(path: string, text: string): string[] {
  const found: string[] = []
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/g
  for (const match of text.matchAll(pattern)) {
    const specifier = match[2] ?? match[3]!
    const isType = match[1] !== undefined
    const resolved = specifier.startsWith('#/')
      ? `src/${specifier.slice(2)}`
      : specifier.startsWith('.')
        ? join(dirname(path), specifier)
        : specifier
    found.push(isType ? `type ${resolved}` : resolved)
  }
  return found
}

/** The room of a file in the import table: the longest row that is a prefix of its path. */
function roomOf(path: string): string | undefined {
  return Object.keys(allowedImports)
    .filter((room) => path === room || path.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0]
}

const isTest = (path: string): boolean => /\.(test|fuzz|bench|contract)\.ts$/.test(path) || path.includes('/testing/')

function checkImports(source: Source): string[] {
  const room = roomOf(source.path)
  if (!room || isTest(source.path)) return []
  const faults: string[] = []
  for (const target of source.imports) {
    const path = target.replace('type ', '')
    if (!path.startsWith('src/') || path.startsWith(`${room}/`)) continue
    const allowed = allowedImports[room]!
    if (allowed.includes('*') || allowed.some((other) => path === other || path.startsWith(`${other}/`))) continue
    faults.push(
      `${source.path}: may not import ${path}; ${room} may import ${allowed.join(', ') || 'nothing'} (ARCHITECTURE.md)`,
    )
  }
  return faults
}

/** Everything that runs when `entry` runs, type-only imports aside. */
export function closureOf(entry: string, sources: ReadonlyMap<string, Source>): Map<string, string> {
  const reached = new Map<string, string>([[entry, '']])
  const queue = [entry]
  for (let path = queue.shift(); path; path = queue.shift()) {
    for (const target of sources.get(path)?.imports ?? []) {
      if (target.startsWith('type ') || reached.has(target)) continue
      reached.set(target, path)
      queue.push(target)
    }
  }
  return reached
}

function checkProxyClosure(sources: ReadonlyMap<string, Source>): string[] {
  const faults: string[] = []
  for (const [module, from] of closureOf('src/main/proxy.ts', sources)) {
    if (
      proxyForbidden.some((name) => module === name || module.startsWith(`${name}/`)) &&
      module !== '@bufbuild/protobuf/wire'
    ) {
      faults.push(`${from}: brings ${module} into the proxy (docs/decisions/0004-small-proxy.md)`)
    }
  }
  return faults
}

type Ratchet = Record<string, number>

function sizeFaults(sources: Iterable<Source>, ratchet: Ratchet): { faults: string[]; now: Ratchet } {
  const now: Ratchet = {}
  const faults: string[] = []
  const measure = (key: string, size: number, limit: number, cure: string): void => {
    if (size <= limit) return
    now[key] = size
    if (size > (ratchet[key] ?? limit)) faults.push(`${key}: ${size} lines, at most ${ratchet[key] ?? limit}; ${cure}`)
  }
  for (const { path, text } of sources) {
    measure(
      path,
      text.split('\n').length - 1,
      isTest(path) ? fileLinesMax * 2 : fileLinesMax,
      'split it along its nouns',
    )
  }
  return { faults, now }
}

function checkText(source: Source): string[] {
  if (source.path === 'tools/tidy-rules.ts') return []
  const faults: string[] = []
  const stem = basename(source.path).replace(/\.(test|fuzz|bench|contract)?\.?ts$/, '')
  if (bannedNames.includes(stem)) faults.push(`${source.path}: the name says nothing; call it by its main export`)
  if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|fuzz|bench|contract|config))?\.ts$/.test(basename(source.path))) {
    faults.push(`${source.path}: file names are kebab-case`)
  }
  if (!source.text.trimStart().startsWith('/*') && !isTest(source.path))
    faults.push(`${source.path}: start with a comment that says what it is for`)
  for (const { pattern, except, cure } of bans) {
    if (except.some((place) => source.path.startsWith(place)) || isTest(source.path)) continue
    const line = source.text.split('\n').findIndex((text) => pattern.test(text) && !/^\s*(\*|\/\/)/.test(text))
    if (line >= 0) faults.push(`${source.path}:${line + 1}: ${cure}`)
  }
  return faults
}

function checkDead(sources: ReadonlyMap<string, Source>): string[] {
  const used = new Set<string>()
  for (const { imports } of sources.values()) for (const target of imports) used.add(target.replace('type ', ''))
  return [...sources.keys()]
    .filter((path) => path.startsWith('src/') && !path.startsWith('src/main/') && !isTest(path) && !used.has(path))
    .map((path) => `${path}: nobody imports it; remove it or use it`)
}

function main(): void {
  const sources = new Map<string, Source>()
  for (const folder of ['src', 'test', 'tools', 'bench', 'examples']) {
    for (const path of filesUnder(folder)) {
      const text = readFileSync(join(root, path), 'utf8')
      sources.set(path, { path, text, imports: importsOf(path, text) })
    }
  }
  const ratchet: Ratchet = existsSync(ratchetFile) ? JSON.parse(readFileSync(ratchetFile, 'utf8')) : {}
  const sizes = sizeFaults(sources.values(), ratchet)
  if (process.argv.includes('--ratchet')) writeFileSync(ratchetFile, `${JSON.stringify(sizes.now, null, 2)}\n`)
  const faults = [
    ...[...sources.values()].flatMap((source) => [...checkImports(source), ...checkText(source)]),
    ...checkProxyClosure(sources),
    ...checkDead(sources),
    ...(process.argv.includes('--ratchet') ? [] : sizes.faults),
  ]
  for (const fault of faults) console.error(fault)
  console.log(`tidy: ${sources.size} files, ${faults.length} faults`)
  if (faults.length > 0) process.exitCode = 1
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
