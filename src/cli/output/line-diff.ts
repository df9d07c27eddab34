/** What two texts differ in, line by line, as `diff -u` shows it. */

/** Lines around a change. */
const contextLines = 3

export interface DiffNames {
  before: string
  after: string
}

/** @returns empty for texts that are equal. */
export function formatDiff(before: string, after: string, names: DiffNames): string {
  if (before === after) return ''
  const edits = editsOf(linesOf(before), linesOf(after))
  const hunks = hunksOf(edits)
  return `--- ${names.before}\n+++ ${names.after}\n${hunks.map(formatHunk).join('')}`
}

interface Edit {
  sign: ' ' | '-' | '+'
  line: string
  /** Position in either text of this line, from 0. */
  before: number
  after: number
}

function linesOf(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}

/** By the longest common subsequence; policies are short. */
function editsOf(before: readonly string[], after: readonly string[]): Edit[] {
  const width = after.length + 1
  const lengths = new Uint32Array((before.length + 1) * width)
  for (let i = before.length - 1; i >= 0; i--)
    for (let j = after.length - 1; j >= 0; j--)
      lengths[i * width + j] =
        before[i] === after[j]
          ? lengths[(i + 1) * width + j + 1]! + 1
          : Math.max(lengths[(i + 1) * width + j]!, lengths[i * width + j + 1]!)
  const edits: Edit[] = []
  let i = 0
  let j = 0
  while (i < before.length || j < after.length) {
    const place = { before: i, after: j }
    const isRemoved =
      j >= after.length || (i < before.length && lengths[(i + 1) * width + j]! >= lengths[i * width + j + 1]!)
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push({ sign: ' ', line: before[i]!, ...place })
      i++
      j++
    } else if (isRemoved) edits.push({ sign: '-', line: before[i++]!, ...place })
    else edits.push({ sign: '+', line: after[j++]!, ...place })
  }
  return edits
}

function hunksOf(edits: readonly Edit[]): Edit[][] {
  const isNear = edits.map((_, at) =>
    edits.slice(Math.max(0, at - contextLines), at + contextLines + 1).some(({ sign }) => sign !== ' '),
  )
  const hunks: Edit[][] = []
  edits.forEach((edit, at) => {
    if (!isNear[at]) return
    if (at > 0 && isNear[at - 1]) hunks.at(-1)!.push(edit)
    else hunks.push([edit])
  })
  return hunks
}

function formatHunk(hunk: readonly Edit[]): string {
  const first = hunk[0]!
  const count = (sign: '-' | '+'): number => hunk.filter((edit) => edit.sign === ' ' || edit.sign === sign).length
  const range = (start: number, lines: number): string => `${lines === 0 ? start : start + 1},${lines}`
  const head = `@@ -${range(first.before, count('-'))} +${range(first.after, count('+'))} @@\n`
  return head + hunk.map(({ sign, line }) => `${sign}${line}\n`).join('')
}
