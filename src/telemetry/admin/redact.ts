/** JSON for people's eyes: what could be a secret is blackened. */

const secretKey = /^(.*_)?(private_?key|secret|password|passwd|passphrase|token|api_?key|credentials?)$/
const secretHeader = /^(authorization|proxy-authorization|cookie|set-cookie|x-api-key|.*(secret|token|password).*)$/
const blackened = '[redacted]'

/** Indented JSON. Maps become objects, sets become arrays. */
export function formatRedacted(value: unknown): string {
  return JSON.stringify(value, replace, 2) ?? 'null'
}

function replace(key: string, value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  if (typeof value === 'bigint') return String(value)
  // Flags like `allowCredentials: true` are no secrets, texts and bytes may be.
  if (isSecretName(key) && (typeof value === 'string' || ArrayBuffer.isView(value))) return blackened
  if (isHeader(value) && secretHeader.test(value.name.toLowerCase())) return { ...value, value: blackened }
  return value
}

function isSecretName(key: string): boolean {
  return secretKey.test(key.replaceAll(/([a-z])([A-Z])/g, '$1_$2').toLowerCase())
}

function isHeader(value: unknown): value is { name: string; value: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'value' in value &&
    typeof value.name === 'string' &&
    value.value !== blackened
  )
}
