/** One function a reference page, each rendering a table that the code runs on. */
import { errorCodes } from '#/std/errors.ts'

/** A Markdown table; cells may hold anything but newlines. */
export function markdownTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string =>
    `| ${cells.map((cell) => String(cell).replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([name, code]) => [
    `\`${name}\``,
    code.status,
    code.grpc,
    `\`${code.flag}\``,
    code.isUnsent ? 'yes' : 'no',
    code.meaning,
    code.cure,
  ])
  return `# Error codes

When the proxy itself answers a request, or an answer breaks off, the cause has one of these codes. It stands in the
\`weft-detail\` header (for callers inside the mesh), in the access log (\`response_code_details\`) and, as Envoy's short
flag, in the metrics. *Unsent* means that no byte of the request reached the application, so sending it again is safe.

${markdownTable(['code', 'HTTP', 'gRPC', 'flag', 'unsent', 'meaning', 'cure'], rows)}`
}

export const pages: Record<string, () => string> = {
  errors: errorsPage,
}
