/** A fault as people read it: where, what, and what to do. */
import { colorsFor } from './color.ts'

interface FaultLike {
  severity: 'error' | 'warning'
  code: string
  field: string
  message: string
  cure: string
  origin: { file: string; line: number; column: number }
}

/** `FILE:LINE:COLUMN`, which editors and terminals make a link of, then message and cure below. */
export function formatFault(fault: FaultLike, paper: { hasColor: boolean }): string {
  const colors = colorsFor(paper)
  const { file, line, column } = fault.origin
  const severity = fault.severity === 'error' ? colors.red('error') : colors.yellow('warning')
  const place = `${colors.bold(`${file}:${line}:${column}`)}: ${severity} ${colors.dim(fault.code)}`
  const what = `  ${fault.field ? `${colors.cyan(fault.field)}: ` : ''}${fault.message}`
  return [place, what, ...(fault.cure ? [`  ${fault.cure}`] : [])].map((text) => `${text}\n`).join('')
}
