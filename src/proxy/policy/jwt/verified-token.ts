/** A token that was found to hold, and what is made of its claims. */
import type { HeaderList } from '#/codec/message.ts'
import type { ClaimHeader } from '#/model/authentication.ts'
import type { JsonObject } from './strict-json.ts'

export interface VerifiedToken {
  /** Of the provider. */
  providerName: string
  claims: JsonObject
  /** `ISSUER/SUBJECT`: who sent the request (Istio: request principal). Empty without a subject. */
  principal: string
  /** Seconds since 1970, by which the token holds; with the skew that is granted. */
  notBeforeSeconds: number
  expiresSeconds: number
  /** Claims that the application is told. */
  headers: HeaderList
}

/** @param path `realm_access.roles`; a claim whose own name has dots goes before. @returns undefined when there is none. */
export function claimAt(claims: JsonObject, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path]
  let value: unknown = claims
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined
    value = (value as JsonObject)[name]
  }
  return value
}

/** Lists and objects are base64url of their JSON, as Envoy does it. What can't stand in a header is left out. */
export function claimHeaders(claims: JsonObject, wanted: readonly ClaimHeader[]): HeaderList {
  const headers: HeaderList = []
  for (const { header, claim } of wanted) {
    const value = claimAt(claims, claim)
    if (value === undefined || value === null) continue
    const text = typeof value === 'object' ? Buffer.from(JSON.stringify(value)).toString('base64url') : String(value)
    // RFC 9110, section 5.5. Header values are bytes, one a character.
    if (!/[\x00-\x1f\x7f]/.test(text) && text.trim() === text)
      headers.push(header, Buffer.from(text, 'utf8').toString('latin1'))
  }
  return headers
}
