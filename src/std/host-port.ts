/** Addresses as people write them: `127.0.0.1:80`, `[::1]:80`, `reviews.shop:80`. */

export interface HostPort {
  host: string
  port: number
}

/**
 * Reads `host:port`, with IPv6 in brackets. A missing port takes `defaultPort`.
 * @returns undefined when the text is no address or the port is outside 1..65535.
 */
export function parseHostPort(text: string, defaultPort?: number): HostPort | undefined {
  const isBracketed = text.startsWith('[')
  const end = isBracketed ? text.indexOf(']') : text.lastIndexOf(':')
  if (isBracketed && end < 0) return undefined
  const colon = isBracketed ? (text[end + 1] === ':' ? end + 1 : -1) : end
  if (isBracketed && colon < 0 && end !== text.length - 1) return undefined
  const host = isBracketed ? text.slice(1, end) : colon < 0 ? text : text.slice(0, colon)
  if (host === '' || (!isBracketed && host.includes(':'))) return undefined
  if (colon < 0) return defaultPort === undefined ? undefined : { host, port: defaultPort }
  const digits = text.slice(colon + 1)
  if (digits === '' && defaultPort !== undefined) return { host, port: defaultPort }
  const port = /^\d{1,5}$/.test(digits) ? Number(digits) : 0
  return port >= 1 && port <= 65535 ? { host, port } : undefined
}

/** The inverse of `parseHostPort`. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
