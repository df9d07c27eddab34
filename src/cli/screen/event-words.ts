/** Events of `weft up` as lines for people. */
import { relative } from 'node:path'
import type { FaultReport, MeshEvent } from '#/up/mesh-event.ts'
import type { Colors } from '../output/color.ts'
import { formatFault } from '../output/fault.ts'

export interface WordOptions {
  colors: Colors
  hasColor: boolean
  /** Paths are shown relative to it. */
  folder: string
}

/** Lines with a newline each; empty for what is not worth a line. */
export function wordsOf(event: MeshEvent, options: WordOptions): string {
  const { colors } = options
  switch (event.event) {
    case 'workload': {
      const { change, workload } = event
      const words = {
        starting: colors.dim('starting'),
        ready: colors.green('ready'),
        'not-ready': colors.yellow('not ready'),
        draining: colors.dim('draining'),
        gone: colors.dim('gone'),
      }
      const reason = change === 'not-ready' && workload.reason ? ` (${workload.reason})` : ''
      return `${workload.pod} ${words[change]}${reason}\n`
    }
    case 'crashed':
      return (
        `${event.pod} ${colors.red('ended')}: ${event.process}, ${event.exit}; starts again in ${seconds(event.restartInMs)}\n` +
        (event.words ? `  ${event.words}\n` : '') +
        `  ${colors.dim(`its log: ${event.log}`)}\n`
      )
    case 'restarted':
      return `${event.pod} ${colors.dim('started again')}: ${event.process}\n`
    case 'control':
      if (event.change === 'ready') return `control plane ${colors.green('ready')}\n`
      return (
        `control plane ${colors.red('ended')}: ${event.exit}; it is started again, and traffic goes on meanwhile\n` +
        (event.words ? `  ${event.words}\n` : '')
      )
    case 'left-out':
      return `${event.namespace}/${event.name} ${colors.yellow('left out')}: ${event.reason}\n`
    case 'live':
      return `${event.object} ${colors.green('live')} on ${event.live} of ${event.needed} proxies\n`
    case 'fault':
      return faultWords(event, options)
    case 'mended':
      return `${colors.green('mended')} ${placeOf(event, options)}: ${event.message}\n`
    case 'stopping':
      return `${colors.dim('stopping; once more ends it at once')}\n`
    default:
      return ''
  }
}

function faultWords(fault: FaultReport, options: WordOptions): string {
  const { line, column } = fault
  return formatFault({ ...fault, origin: { file: pathOf(fault, options), line, column } }, options)
}

function placeOf(fault: FaultReport, options: WordOptions): string {
  return `${pathOf(fault, options)}:${fault.line}:${fault.column}`
}

function pathOf({ file }: FaultReport, { folder }: WordOptions): string {
  const path = relative(folder, file)
  return path.startsWith('../../') ? file : path
}

function seconds(ms: number): string {
  return ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`
}
