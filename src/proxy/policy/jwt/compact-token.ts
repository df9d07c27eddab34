/** The compact form of a signed token (RFC 7515, section 7.1): three parts of base64url with dots between. */
import { type JsonObject, parseStrictObject } from './strict-json.ts'
import { TokenFault } from './token-fault.ts'

export interface CompactToken {
  algorithm: string
  /** `kid`, undefined for none. */
  keyId: string | undefined
  claims: JsonObject
  /** The bytes that are signed. */
  signed: Buffer
  signature: Buffer
}

/** Tokens with many groups have 8 KB; more than this is no token. */
export const tokenBytesMax = 16_384
const keyIdCharactersMax = 256

/**
 * Reads what the token says of itself; nothing of it is believed yet. Headers that bring or name keys (`jku`, `jwk`, `x5u`, `x5c`)
 * are not looked at: keys come from the issuer that configuration names (RFC 8725, section 3.10).
 */
export function readCompactToken(text: string): CompactToken | TokenFault {
  if (text.length > tokenBytesMax) return new TokenFault('jwt_too_large', `it has ${text.length} bytes`)
  const parts = text.split('.', 4)
  if (parts.length !== 3) return new TokenFault('jwt_malformed', 'it does not have three parts')
  const [headerText, claimsText, signatureText] = parts as [string, string, string]
  const header = readObject(headerText)
  if (!header) return new TokenFault('jwt_malformed', 'the header is no base64url of a JSON object with each name once')
  const { alg, kid, crit } = header
  if (typeof alg !== 'string') return new TokenFault('jwt_malformed', 'the header names no algorithm')
  if (crit !== undefined) return new TokenFault('jwt_critical_header', '')
  // Unencoded payloads (RFC 7797) would be signed bytes of another form.
  if (header.b64 !== undefined) return new TokenFault('jwt_malformed', 'the header has b64')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > keyIdCharactersMax))
    return new TokenFault('jwt_malformed', `kid is no text of at most ${keyIdCharactersMax} characters`)
  const claims = readObject(claimsText)
  if (!claims)
    return new TokenFault('jwt_malformed', 'the claims are no base64url of a JSON object with each name once')
  const signature = signatureText === '' ? Buffer.alloc(0) : decodePart(signatureText)
  if (!signature) return new TokenFault('jwt_malformed', 'the signature is no base64url')
  const signed = Buffer.from(text.slice(0, headerText.length + 1 + claimsText.length), 'latin1')
  return { algorithm: alg, keyId: kid, claims, signed, signature }
}

function readObject(part: string): JsonObject | undefined {
  const bytes = decodePart(part)
  return bytes && parseStrictObject(bytes)
}

/** Only the one text that the bytes are encoded as: no padding, no other alphabet, no bits left over (RFC 4648, section 3.5). */
function decodePart(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return part !== '' && bytes.toString('base64url') === part ? bytes : undefined
}
