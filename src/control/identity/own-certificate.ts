/** Certificates that the control plane shows itself: its own leaf, for its ports. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Authority } from '#/identity/ca/authority.ts'
import { readCertificateRequest } from '#/identity/ca/certificate-request.ts'
import { BundleEndpoint, type EndpointCertificate } from '#/identity/federation/bundle-endpoint.ts'
import { controlAccount, controlDnsName, serviceAccountId } from '#/identity/spiffe/spiffe-id.ts'
import { formatBundleDocument } from '#/identity/spiffe/trust-bundle.ts'
import { newKeyRequest } from '#/identity/workload/key-request.ts'
import type { Clock } from '#/std/clock.ts'
import type { Log } from '#/std/log.ts'
import type { EndpointOptions } from './identity-plane.ts'

/** A fresh one with a fresh key, by the authority itself. */
export async function ownCertificate(authority: Authority): Promise<EndpointCertificate> {
  const { privateKey, request } = await newKeyRequest()
  const { publicKey } = readCertificateRequest(request)
  const id = serviceAccountId(authority.trustDomain, controlAccount)
  const { chain, expiresMs } = authority.issue({ publicKey, id, dnsNames: [controlDnsName] })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  return { cert: chain.slice(0, -1).join(''), key, expiresMs }
}

interface Surroundings {
  authority: Authority
  clock: Clock
  log: Log
}

/** Where other trust domains get our bundle. */
export function newBundleEndpoint({ address, files }: EndpointOptions, surroundings: Surroundings): BundleEndpoint {
  const { authority, clock, log } = surroundings
  return new BundleEndpoint({
    address,
    certificate: files ? async () => readEndpointFiles(files) : () => ownCertificate(authority),
    document: () => formatBundleDocument(authority.presentBundle),
    clock,
    log,
  })
}

function readEndpointFiles(files: NonNullable<EndpointOptions['files']>): EndpointCertificate {
  const cert = readFileSync(files.certificate, 'utf8')
  const expiresMs = new X509Certificate(cert).validToDate.getTime()
  return { cert, key: readFileSync(files.key, 'utf8'), expiresMs }
}
