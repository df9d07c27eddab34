/** The four ways to carry a request. */
export type Protocol = 'h1' | 'h2c' | 'h1-tls' | 'h2-tls'

export const protocols: readonly Protocol[] = ['h1', 'h2c', 'h1-tls', 'h2-tls']

export const isHttp2 = (protocol: Protocol): boolean => protocol.startsWith('h2')
export const isTls = (protocol: Protocol): boolean => protocol.endsWith('-tls')
