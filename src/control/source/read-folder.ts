/** The YAML files under a folder, as text. */
import { closeSync, openSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault } from './resources.ts'

/** A file beyond it holds no configuration that a person wrote, bytes. */
export const fileBytesMax = 16 * 1024 * 1024
/** Nesting beyond it is a loop. */
const depthMax = 32

export interface FileText {
  path: string
  text: string
}

function fault(file: string, code: string, message: string, cure: string): Fault {
  return { severity: 'error', code, object: '', origin: { file, line: 1, column: 1 }, field: '', message, cure }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function readFile(path: string, into: { files: FileText[]; faults: Fault[] }): void {
  try {
    const { size } = statSync(path)
    if (size > fileBytesMax) {
      into.faults.push(
        fault(path, 'file-too-large', `the file has ${size} bytes`, `split it; at most ${fileBytesMax} are read`),
      )
      return
    }
    const bytes = readFileSync(path)
    if (bytes.includes(0))
      into.faults.push(
        fault(path, 'not-text', 'the file holds binary data', 'keep only YAML under this folder, or rename the file'),
      )
    else into.files.push({ path, text: bytes.toString('utf8').replace(/^\uFEFF/, '') })
  } catch (error) {
    into.faults.push(
      fault(path, 'unreadable', `the file can't be read: ${reasonOf(error)}`, 'check that it exists and may be read'),
    )
  }
}

function visit(
  folder: string,
  options: { seen: Set<string>; depth: number; into: { files: FileText[]; faults: Fault[] } },
): void {
  const { seen, depth, into } = options
  const real = realpathSync(folder)
  if (seen.has(real) || depth > depthMax) return
  seen.add(real)
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.name.startsWith('.') || entry.name === 'node_modules') continue
    const isFolder =
      entry.isDirectory() ||
      (entry.isSymbolicLink() && statSync(path, { throwIfNoEntry: false })?.isDirectory() === true)
    if (isFolder) visit(path, { seen, depth: depth + 1, into })
    else if (/\.ya?ml$/.test(entry.name)) readFile(path, into)
  }
}

/** All `.yaml` and `.yml` files of a folder and those in it, by path; or the one file that is named. */
export function readFolder(place: string): { files: FileText[]; faults: Fault[] } {
  const into: { files: FileText[]; faults: Fault[] } = { files: [], faults: [] }
  try {
    closeSync(openSync(place, 'r'))
    if (statSync(place).isDirectory()) visit(place, { seen: new Set(), depth: 0, into })
    else readFile(place, into)
  } catch (error) {
    into.faults.push(
      fault(
        place,
        'unreadable',
        `the folder can't be read: ${reasonOf(error)}`,
        'check that it exists and may be read',
      ),
    )
  }
  return into
}
