/** What the control plane says of a proxy, and finding the one that is meant. */
import type { ProxyReport } from '#/control/api/control-state.ts'
import { CommandError } from './command.ts'

/** By node id, by pod, or all of a workload (with or without its namespace: `shop/reviews-v1`). */
export function proxiesNamed(reports: readonly ProxyReport[], name: string): ProxyReport[] {
  const found = reports.filter(
    ({ node, pod, workload, namespace }) =>
      node === name || pod === name || workload === name || `${namespace}/${workload}` === name,
  )
  if (found.length > 0) return found
  const known = [...new Set(reports.map(({ workload, pod }) => workload || pod))].sort()
  const cure =
    known.length > 0
      ? `There are ${known.join(', ')}; \`weft proxy status\` lists all proxies.`
      : 'No proxy has connected to this control plane yet.'
  throw new CommandError(2, `no proxy is called ${name}`, cure)
}
