/** A file's text cut at its document markers, so that a change of one document costs the reading of one. */

export interface YamlChunk {
  text: string
  /** Where it begins in the file; counts from 1. */
  line: number
}

/**
 * Cuts in front of each line that begins with `---`, which nothing but a marker can (YAML 1.2.2, section 9.1.2). Directives
 * stay with the document that they are for. Chunks of nothing but space and comments are left out.
 */
export function cutYaml(text: string): YamlChunk[] {
  const chunks: YamlChunk[] = []
  let start = 0
  let line = 1
  const cut = (end: number): void => {
    const chunk = text.slice(start, end)
    if (!isBlank(chunk)) chunks.push({ text: chunk, line })
    line += countLines(chunk)
    start = end
  }
  for (const { index } of text.matchAll(/^---(?=\s|$)/gm)) {
    if (index > start && !isDirectives(text.slice(start, index))) cut(index)
  }
  cut(text.length)
  return chunks
}

/** Only space, comments and a marker: a document of nothing. */
function isBlank(chunk: string): boolean {
  return /^(---)?\s*(#.*\s*|\.\.\.\s*)*$/.test(chunk)
}

function isDirectives(chunk: string): boolean {
  return /^\s*(#.*\s*)*%/.test(chunk) && !/^---/m.test(chunk)
}

function countLines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
