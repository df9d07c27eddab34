/**
 * A JWK set as proxies get it: public parts of public keys and nothing else. A shared key would let whoever reads a proxy's
 * configuration sign tokens, and a private one that was published by mistake is not spread further.
 */

const publicFields = ['kty', 'kid', 'alg', 'use', 'key_ops', 'n', 'e', 'crv', 'x', 'y']
const publicKinds = new Set<unknown>(['RSA', 'EC', 'OKP'])
const keysMax = 64

/** @returns undefined for what is no JWK set. */
export function publicKeySet(text: string): string | undefined {
  let keys: unknown
  try {
    keys = (JSON.parse(text) as { keys?: unknown } | null)?.keys
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (!Array.isArray(keys)) return undefined
  return JSON.stringify({ keys: keys.slice(0, keysMax).flatMap(publicKey) })
}

function publicKey(key: unknown): object[] {
  if (typeof key !== 'object' || key === null || !('kty' in key) || !publicKinds.has(key.kty)) return []
  return [Object.fromEntries(Object.entries(key).filter(([name]) => publicFields.includes(name)))]
}
