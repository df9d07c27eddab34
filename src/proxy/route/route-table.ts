/**
 * Which virtual host a request is for, then which route. Compiled when a configuration arrives, replaced whole; a request
 * holds the table it started with.
 *
 * Hosts are found as Envoy finds them (RouteConfiguration, `VirtualHost.domains`): an exact name, then the longest
 * `*.suffix`, then the longest `prefix.*`, then `*`; case does not count. Where Envoy asks for a domain with the very port
 * of the authority, Gateway API compares the name alone (`HTTPRouteSpec.Hostnames`: ports are ignored), so at each of the
 * steps the authority is tried as it is and then without its port. A domain that has a port is therefore the stronger.
 */
import type { RouteConfiguration } from '#/model/route.ts'
import { CompiledHost } from './compiled-host.ts'
import { hasRegex, loadRegex } from './regex.ts'

/** Wildcard domains by their fixed part, the longest first. */
interface Wildcards {
  lengths: readonly number[]
  hosts: ReadonlyMap<string, CompiledHost>
}

export class RouteTable {
  readonly configuration: RouteConfiguration
  readonly hosts: readonly CompiledHost[]
  readonly #exact = new Map<string, CompiledHost>()
  readonly #suffixes: Wildcards
  readonly #prefixes: Wildcards
  readonly #any: CompiledHost | undefined

  /** @throws RouteConfigurationError when a pattern is no RE2. */
  constructor(configuration: RouteConfiguration) {
    this.configuration = configuration
    this.hosts = configuration.virtualHosts.map((host) => new CompiledHost(host))
    const suffixes = new Map<string, CompiledHost>()
    const prefixes = new Map<string, CompiledHost>()
    for (const host of this.hosts) {
      for (const written of host.virtualHost.domains) {
        const domain = written.toLowerCase()
        if (domain === '*') this.#any ??= host
        else if (domain.startsWith('*')) keepFirst(suffixes, domain.slice(1), host)
        else if (domain.endsWith('*')) keepFirst(prefixes, domain.slice(0, -1), host)
        else keepFirst(this.#exact, domain, host)
      }
    }
    this.#suffixes = wildcards(suffixes)
    this.#prefixes = wildcards(prefixes)
  }

  /** @param authority host with optional port, as the request has it; may be empty (HTTP/1.0). */
  findHost(authority: string): CompiledHost | undefined {
    // Most requests write a known name in lower case.
    const known = this.#exact.get(authority)
    if (known !== undefined) return known
    const host = authority.toLowerCase()
    const name = withoutPort(host)
    return (
      this.#exact.get(host) ??
      this.#exact.get(name) ??
      findBySuffix(this.#suffixes, host) ??
      findBySuffix(this.#suffixes, name) ??
      findByPrefix(this.#prefixes, host) ??
      this.#any
    )
  }
}

/** Loads what the configuration needs to be compiled; resolves at once when that is nothing. */
export async function prepareRoutes(configuration: RouteConfiguration): Promise<void> {
  if (hasRegex(configuration)) await loadRegex()
}

/**
 * Compiles a configuration; await `prepareRoutes` before when it may hold regular expressions.
 * @throws RouteConfigurationError when a pattern is no RE2; the message names route and field.
 */
export function compileRoutes(configuration: RouteConfiguration): RouteTable {
  return new RouteTable(configuration)
}

function keepFirst(map: Map<string, CompiledHost>, key: string, host: CompiledHost): void {
  if (!map.has(key)) map.set(key, host)
}

function wildcards(hosts: ReadonlyMap<string, CompiledHost>): Wildcards {
  const lengths = [...new Set([...hosts.keys()].map((part) => part.length))].sort((a, b) => b - a)
  return { lengths, hosts }
}

function findBySuffix({ lengths, hosts }: Wildcards, host: string): CompiledHost | undefined {
  for (const length of lengths) {
    // The star stands for at least one character.
    if (length >= host.length) continue
    const found = hosts.get(host.slice(host.length - length))
    if (found !== undefined) return found
  }
  return undefined
}

function findByPrefix({ lengths, hosts }: Wildcards, host: string): CompiledHost | undefined {
  for (const length of lengths) {
    if (length >= host.length) continue
    const found = hosts.get(host.slice(0, length))
    if (found !== undefined) return found
  }
  return undefined
}

function withoutPort(host: string): string {
  const colon = host.lastIndexOf(':')
  return colon > host.lastIndexOf(']') ? host.slice(0, colon) : host
}
