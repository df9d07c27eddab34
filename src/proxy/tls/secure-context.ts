/** What both sides of TLS have in common: versions, groups, and contexts made of PEM. */
import type { SecureContext, SecureContextOptions } from 'node:tls'
import type { PemSource, TlsCertificate } from '#/model/tls.ts'
import type { PemWatch } from './pem-watch.ts'

// An import would be loaded at the start of a bundle, though this file is not: 2 MB in each sidecar.
const { createSecureContext } = process.getBuiltinModule('node:tls')

/** The hybrid group first: what is recorded today stays secret from a quantum computer (draft-ietf-tls-ecdhe-mlkem). */
const groupsWanted = 'X25519MLKEM768:X25519:prime256v1:secp384r1'
/** For an OpenSSL without ML-KEM (below 3.5). */
const groupsOld = 'X25519:prime256v1:secp384r1'

/**
 * The suites of TLS 1.3, then those of 1.2 that HTTP/2 allows (RFC 9113 section 9.2.2): ephemeral keys, authenticated
 * encryption. AES with 128 bits first, as Envoy has it: strong enough, and cheaper.
 */
const ciphers = [
  ...['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256'],
  ...['ECDHE-ECDSA-AES128-GCM-SHA256', 'ECDHE-RSA-AES128-GCM-SHA256'],
  ...['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-RSA-AES256-GCM-SHA384'],
  ...['ECDHE-ECDSA-CHACHA20-POLY1305', 'ECDHE-RSA-CHACHA20-POLY1305'],
].join(':')

/** Both sides are ours, or of SPIFFE's. */
export const meshVersions = { minVersion: 'TLSv1.3' } as const

let groups: string | undefined

function supportedGroups(): string {
  try {
    createSecureContext({ ecdhCurve: groupsWanted })
    return groupsWanted
  } catch (error) {
    if (error instanceof Error) return groupsOld
    throw error
  }
}

/** Versions, groups and ciphers of every context of the proxy. */
export function secureOptions(): Pick<SecureContextOptions, 'minVersion' | 'ecdhCurve' | 'ciphers'> {
  groups ??= supportedGroups()
  return { minVersion: 'TLSv1.2', ecdhCurve: groups, ciphers }
}

/** @throws as `PemWatch.read`. */
export function readPair(watch: PemWatch, { chain, privateKey }: TlsCertificate): { cert: string; key: string } {
  return { cert: watch.read(chain, 'chain'), key: watch.read(privateKey, 'privateKey') }
}

/** @throws when a file can't be read, a PEM is none, or key and certificate do not belong together. */
export function createContext(
  watch: PemWatch,
  { certificate, trustedCa }: { certificate?: TlsCertificate | undefined; trustedCa?: PemSource | undefined },
  more: SecureContextOptions = {},
): SecureContext {
  return createSecureContext({
    ...secureOptions(),
    ...(certificate ? readPair(watch, certificate) : {}),
    // Without a CA of its own nothing is trusted: the roots of the web say nothing about workloads.
    ca: trustedCa ? watch.read(trustedCa, 'trustedCa') : [],
    ...more,
  })
}
