/**
 * The specification in `spec/*.md` as cases. A case is a heading (the claim), a fenced block `client` or `server` with the
 * frames that the other side sends us (`frame-notation.ts`), and a fenced block `events` with what they mean. The fence's info
 * string may hold settings (`replay.ts`).
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readFrames } from './frame-notation.ts'

export interface SpecCase {
  file: string
  title: string
  /** Who sends the frames. */
  sender: 'client' | 'server'
  settings: Readonly<Record<string, string>>
  bytes: Buffer
  events: readonly string[]
}

/** @throws Error for a heading without its two blocks: a case that is never run is no case. */
export function readSpec(folder: string): SpecCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.md'))
    .sort()
    .flatMap((file) => {
      const sections = readFileSync(join(folder, file), 'utf8').split(/^## /m)
      return sections.slice(1).map((section) => readCase(file, section))
    })
}

function readCase(file: string, section: string): SpecCase {
  const title = section.slice(0, section.indexOf('\n')).trim()
  const fences = [...section.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)]
  const [sender, ...words] = fences[0]?.[1]?.split(/\s+/) ?? []
  if (fences.length !== 2 || (sender !== 'client' && sender !== 'server') || fences[1]![1] !== 'events') {
    throw new Error(`${file}: "${title}" has no block of frames followed by one of events`)
  }
  const settings = Object.fromEntries(words.map((word) => [...word.split('='), ''].slice(0, 2)))
  const events = fences[1]![2]!.split('\n').filter((line) => line !== '')
  return { file, title, sender, settings, bytes: readFrames(fences[0]![2]!), events }
}
