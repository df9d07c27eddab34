/**
 * The specification in `spec/*.md` as cases. A case is a heading (the claim), a fenced block `request` or `answer` with the
 * bytes, and a fenced block `events` with what they mean. The fence's info string may hold settings: limits by name, and for
 * an answer the `method` of its request, `upgrade`, `eof` when the connection ends behind the bytes.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readVisible } from './visible-bytes.ts'

export interface SpecCase {
  file: string
  title: string
  kind: 'request' | 'answer'
  settings: Readonly<Record<string, string>>
  bytes: Buffer
  events: readonly string[]
}

interface Fence {
  info: string[]
  text: string
}

/** @throws Error for a heading without its two blocks: a case that is never run is no case. */
export function readSpec(folder: string): SpecCase[] {
  const cases: SpecCase[] = []
  for (const file of readdirSync(folder).sort()) {
    if (file.endsWith('.md')) cases.push(...readCases(file, readFileSync(join(folder, file), 'utf8')))
  }
  return cases
}

function readCases(file: string, text: string): SpecCase[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const title = section.slice(0, section.indexOf('\n')).trim()
      const [input, events, ...rest] = readFences(section)
      const kind = input?.info[0]
      if (!input || (kind !== 'request' && kind !== 'answer') || events?.info[0] !== 'events' || rest.length > 0) {
        throw new Error(`${file}: "${title}" has no block of bytes followed by one of events`)
      }
      const settings = Object.fromEntries(input.info.slice(1).map((word) => [...word.split('='), ''].slice(0, 2)))
      const lines = events.text.split('\n').filter((line) => line !== '')
      return { file, title, kind, settings, bytes: readVisible(input.text), events: lines }
    })
}

function readFences(section: string): Fence[] {
  const matches = section.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)
  return [...matches].map((match) => ({ info: match[1]!.trim().split(/\s+/), text: match[2]! }))
}
