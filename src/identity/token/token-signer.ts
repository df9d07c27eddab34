/** Signs tokens by which the sidecars of a laptop prove who they are: JWTs by HMAC with SHA-256 (RFC 7515, RFC 7518 section 3.2). */
import { createHmac, randomUUID } from 'node:crypto'
import { type TokenBearer, tokenAudience, tokenIssuer, tokenLifeMs } from './token-claims.ts'

/** @returns a token that serves once. */
export function signToken(key: Uint8Array, { namespace, serviceAccount, pod }: TokenBearer, nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
  const payload = {
    iss: tokenIssuer,
    aud: tokenAudience,
    sub: `system:serviceaccount:${namespace}:${serviceAccount}`,
    jti: randomUUID(),
    iat: seconds,
    exp: seconds + tokenLifeMs / 1000,
    'kubernetes.io': { namespace, pod: { name: pod }, serviceaccount: { name: serviceAccount } },
  }
  const signed = `${partOf({ alg: 'HS256', typ: 'JWT' })}.${partOf(payload)}`
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

function partOf(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
