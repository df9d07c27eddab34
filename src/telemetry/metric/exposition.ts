/**
 * The text that Prometheus reads: format 0.0.4, or OpenMetrics 1.0 when the scraper asks for it. Written in pieces, so
 * that thousands of series never stand in memory as one text.
 */
import type { Family, LabelList } from './family.ts'

export type ExpositionFormat = 'prometheus' | 'openmetrics'

export const contentTypes: Record<ExpositionFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** What a scraper's `Accept` asks for; both formats carry the same numbers. */
export function chooseFormat(accept: string | undefined): ExpositionFormat {
  return accept?.includes('application/openmetrics-text') ? 'openmetrics' : 'prometheus'
}

/** Pieces are given out when they are about this long, characters. */
const pieceLength = 16_384

export function* expose(families: Iterable<Family>, format: ExpositionFormat = 'prometheus'): Generator<string> {
  let piece = ''
  for (const family of families) {
    const { name, help, type } = family
    // OpenMetrics names a counter's family without the suffix that its samples carry.
    const title = format === 'openmetrics' && type === 'counter' ? name.slice(0, -'_total'.length) : name
    let isFirst = true
    let labels: LabelList | undefined
    let labelText = ''
    for (const sample of family.samples()) {
      if (isFirst) piece += `# HELP ${title} ${escapeHelp(help)}\n# TYPE ${title} ${type}\n`
      isFirst = false
      if (sample.labels !== labels) {
        labels = sample.labels
        labelText = formatLabels(labels)
      }
      const own = sample.le === '' ? labelText : `${labelText}${labelText === '' ? '' : ','}le="${sample.le}"`
      piece += `${name}${sample.suffix}${own === '' ? '' : `{${own}}`} ${formatNumber(sample.value)}\n`
      if (piece.length >= pieceLength) {
        yield piece
        piece = ''
      }
    }
  }
  if (format === 'openmetrics') piece += '# EOF\n'
  if (piece !== '') yield piece
}

/** `a="1",b="2"`, without braces. */
export function formatLabels(labels: LabelList): string {
  let text = ''
  for (let i = 0; i < labels.length; i += 2) {
    text += `${i === 0 ? '' : ','}${labels[i]}="${escapeValue(labels[i + 1]!)}"`
  }
  return text
}

/** As Go's strconv and Prometheus spell them. */
export function formatNumber(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf'
  if (value === Number.NEGATIVE_INFINITY) return '-Inf'
  return String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeValue(text: string): string {
  return /[\\"\n]/.test(text) ? text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : text
}
