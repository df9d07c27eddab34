/**
 * Identity in the control plane: the authority, the TLS port with its services (certificates, xDS for who shows a leaf), the file of the
 * trust bundle, and the rotation of the root.
 */
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { Authority, type AuthoritySource, RotationRefusal } from '#/identity/ca/authority.ts'
import { nodeOfSubject } from '#/identity/ca/certificate-writer.ts'
import { rootName } from '#/identity/ca/root-store.ts'
import type { BundleEndpoint } from '#/identity/federation/bundle-endpoint.ts'
import type { BundleSource } from '#/identity/federation/bundle-source.ts'
import { FederatedBundles, type FederationReport } from '#/identity/federation/federated-bundles.ts'
import { readExtensions } from '#/identity/spiffe/certificate-extension.ts'
import { parseSpiffeId, serviceAccountOf } from '#/identity/spiffe/spiffe-id.ts'
import { formatBundleDocument, formatCertificates, type TrustBundle } from '#/identity/spiffe/trust-bundle.ts'
import { openTokenKey } from '#/identity/token/token-key.ts'
import { LaptopTokenReviewer } from '#/identity/token/token-reviewer.ts'
import { UsedTokens } from '#/identity/token/used-tokens.ts'
import { createCertificatePath } from '#/identity/workload/certificate-message.ts'
import { rootSecretName, type TrustSecret } from '#/model/trust-secret.ts'
import { writeFileAtomically } from '#/std/atomic-file.ts'
import type { Clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import { systemRandom } from '#/std/random.ts'
import type { XdsNode } from '#/xds/node.ts'
import type { AdsServer } from '#/xds/serve/ads-server.ts'
import { GrpcServer } from '#/xds/transport/server/grpc-server.ts'
import { encodeResource } from '../publish/encoded-table.ts'
import { CallBudget } from './call-budget.ts'
import { CertificateService } from './certificate-service.ts'
import { IdentityCounters } from './identity-counters.ts'
import { LeafBook } from './leaf-book.ts'
import { newBundleEndpoint } from './own-certificate.ts'
import { SecureEntrance } from './secure-entrance.ts'

export interface IdentityOptions {
  /** Where the TLS port listens; port 0 takes any. */
  secure: HostPort
  /** For roots, the key of tokens and the bundle; made when it is missing. */
  folder: string
  trustDomain: string
  leafLifeMs: number
  /** A plugged-in authority in place of roots of our own. */
  plugged?: Extract<AuthoritySource, { type: 'plugged' }>
  /** Other trust domains whose bundles are fetched, and where ours is served. */
  federation?: { sources: readonly BundleSource[]; endpoint?: EndpointOptions }
}

export interface EndpointOptions {
  address: HostPort
  /** PEM files for the profile `https_web`; absent: our own leaf, for `https_spiffe`. */
  files?: { certificate: string; key: string }
}

export interface IdentitySurroundings {
  ads: AdsServer
  /** Service account of a node, where it is known. */
  accountOf: (node: string) => string | undefined
  clock: Clock
  log: Log
}

/** What `weft ca status` shows. */
export interface AuthorityReport {
  trustDomain: string
  /** `plugged` for an authority from files. */
  phase: 'stable' | 'spreading' | 'signing' | 'withdrawing' | 'plugged'
  sequence: number
  roots: { name: string; serial: string; expires: string; isSigning: boolean }[]
  /** Proxies that a rotation waits for. */
  unacknowledged: string[]
  oldLeaves: string[]
  issued: number
}

export const rotationCommands = ['begin', 'advance', 'abort'] as const
export type RotationCommand = (typeof rotationCommands)[number]

/** Where the bundle stands in the folder, for sidecars to begin with: apart from all that is secret. */
export const bundleFileName = 'trust/bundle.pem'
/** The key by which `weft up` signs tokens. */
export const tokenKeyFileName = 'token.key'

export class IdentityPlane {
  readonly #options: IdentityOptions
  readonly #surroundings: IdentitySurroundings
  readonly #authority: Authority
  readonly #counters = new IdentityCounters()
  readonly #leaves = new LeafBook()
  readonly #server: GrpcServer
  readonly #entrance: SecureEntrance
  readonly #unsubscribe: () => void
  readonly #federated: FederatedBundles
  readonly #endpoint: BundleEndpoint | undefined

  /** @throws when what is kept is damaged, or a plugged-in authority does not hold. */
  constructor(options: IdentityOptions, surroundings: IdentitySurroundings) {
    this.#options = options
    this.#surroundings = surroundings
    const { folder, trustDomain, leafLifeMs, plugged } = options
    const { ads, clock, log } = surroundings
    const source = plugged ?? { type: 'own' as const, folder: join(folder, 'ca') }
    this.#authority = new Authority({ trustDomain, source, leafLifeMs, clock, log })
    this.#server = new GrpcServer((writer, protocol, { certificate }) =>
      ads.open(writer, protocol, (node) => this.#admit(node, certificate)),
    )
    const logBudget = new CallBudget({ burst: 10, refillMs: 1000, callersMax: 100, clock })
    const service = this.#newService(logBudget)
    this.#server.addMethod(
      createCertificatePath,
      (call) => service.createCertificate(call),
      (error) => log.error('a certificate could not be issued', { reason: String(error) }),
    )
    this.#entrance = new SecureEntrance({
      authority: this.#authority,
      onConnection: (connection) => this.#server.take(connection),
      counters: this.#counters,
      logBudget,
      clock,
      log,
    })
    const { sources = [], endpoint } = options.federation ?? {}
    this.#federated = new FederatedBundles({
      sources,
      folder: join(folder, 'federation'),
      random: systemRandom,
      clock,
      log,
    })
    this.#endpoint = endpoint && newBundleEndpoint(endpoint, { authority: this.#authority, clock, log })
    this.#writeBundle(this.#authority.presentBundle)
    this.#unsubscribe = this.#authority.bundle.subscribe((bundle) => this.#writeBundle(bundle))
  }

  /** @returns where it listens. */
  async listen(): Promise<HostPort> {
    this.#federated.start()
    if (this.#endpoint) this.#bundleAddress = await this.#endpoint.listen()
    return await this.#entrance.listen(this.#options.secure)
  }

  #bundleAddress: HostPort | undefined

  /** Where other trust domains get our bundle; defined after `listen`, where it is served. */
  get bundleAddress(): HostPort | undefined {
    return this.#bundleAddress
  }

  /** What is trusted has changed, of our own trust domain or of another. @returns how to stop. */
  onTrust(listener: () => void): () => void {
    const stops = [this.#authority.bundle.subscribe(listener), this.#federated.bundles.subscribe(listener)]
    return () => stops.forEach((stop) => void stop())
  }

  federation(): FederationReport[] {
    return this.#federated.report()
  }

  get authority(): Authority {
    return this.#authority
  }

  report(): AuthorityReport {
    const { rotation, presentBundle, trustDomain } = this.#authority
    const [signing] = presentBundle.roots
    return {
      trustDomain,
      phase: rotation?.phase ?? 'plugged',
      sequence: presentBundle.sequence,
      roots: presentBundle.roots.map((root) => ({
        name: rootName(root),
        serial: root.serialNumber,
        expires: root.validToDate.toISOString(),
        isSigning: root === signing,
      })),
      ...this.#progress(),
      issued: this.#counters.issued,
    }
  }

  /** @returns why it can't be done now, or the report after it was. */
  rotate(command: RotationCommand): AuthorityReport | string {
    try {
      if (command === 'begin') this.#authority.beginRotation()
      else if (command === 'abort') this.#authority.abortRotation()
      else this.#authority.advanceRotation(this.#progress())
      return this.report()
    } catch (error) {
      if (error instanceof RotationRefusal) return error.message
      throw error
    }
  }

  /** What is trusted, for all proxies. */
  secrets(): ReadonlyMap<string, TrustSecret> {
    const { trustDomain, presentBundle, revocations } = this.#authority
    const trustedCaPem = formatCertificates(presentBundle.roots)
    const others = (this.#federated.bundles.value ?? []).map((bundle) => ({
      trustDomain: bundle.trustDomain,
      pem: formatCertificates(bundle.roots),
    }))
    const federation = others.length > 0 ? { federation: { trustDomain, others } } : {}
    const secret = { name: rootSecretName, trustedCaPem, ...federation, ...(revocations ? { revocations } : {}) }
    return new Map([[rootSecretName, secret]])
  }

  bundleDocument(): string {
    return formatBundleDocument(this.#authority.presentBundle)
  }

  metrics(): string {
    return this.#counters.metrics(this.#authority.presentBundle.roots[0]!.validToDate.getTime())
  }

  async stop(): Promise<void> {
    this.#unsubscribe()
    this.#federated.stop()
    await this.#endpoint?.stop()
    this.#authority.stop()
    this.#server.stop()
    await this.#entrance.stop()
  }

  #newService(logBudget: CallBudget): CertificateService {
    const { folder } = this.#options
    const { clock, log, accountOf } = this.#surroundings
    const reviewer = new LaptopTokenReviewer({
      key: openTokenKey(join(folder, tokenKeyFileName)),
      used: new UsedTokens(join(folder, 'used-tokens'), clock.wallMs()),
      clock,
    })
    return new CertificateService({
      authority: this.#authority,
      reviewer,
      // A sidecar asks twice in the life of its leaf, once more after each restart.
      workloads: new CallBudget({ burst: 20, refillMs: 1000, callersMax: 100_000, clock }),
      // All sidecars of a laptop come from one address.
      addresses: new CallBudget({ burst: 1000, refillMs: 10, callersMax: 10_000, clock }),
      logBudget,
      counters: this.#counters,
      leaves: this.#leaves,
      accountOf,
      log,
    })
  }

  /** A leaf is needed, and serves for the node that it was issued to. */
  #admit(node: XdsNode, certificate: Buffer | undefined): string {
    const fault = this.#nodeFault(node, certificate)
    if (fault !== '') this.#counters.refuse(certificate ? 'node_foreign' : 'leaf_missing')
    return fault
  }

  #nodeFault({ id }: XdsNode, certificate: Buffer | undefined): string {
    if (!certificate) return 'configuration is for who shows a certificate; ask for one first'
    const leaf = new X509Certificate(certificate)
    const owner = nodeOfSubject(leaf)
    const name = parseSpiffeId(readExtensions(leaf).uris[0] ?? '')
    const account = typeof name === 'string' ? undefined : serviceAccountOf(name)
    if (!account) return 'the certificate is not that of a workload'
    if (owner !== undefined && owner !== id) return `the certificate was issued to ${owner}, not to ${id}`
    if (id.slice(id.lastIndexOf('.') + 1) !== account.namespace)
      return `the certificate is for namespace ${account.namespace}, and ${id} is not in it`
    const known = this.#surroundings.accountOf(id)
    if (known !== undefined && known !== account.serviceAccount)
      return `the certificate is for ${account.serviceAccount}, and ${id} runs as ${known}`
    this.#leaves.see(id, leaf)
    if (known !== undefined) this.#leaves.place(id)
    return ''
  }

  #progress(): { unacknowledged: string[]; oldLeaves: string[] } {
    const clients = this.#surroundings.ads.clients().filter(({ isConnected }) => isConnected)
    const nodes = clients.map(({ node }) => node.id)
    const { version } = encodeResource('secret', this.secrets().get(rootSecretName)!)
    // Who has not asked for the roots gets them elsewhere: nothing is known of it, and nothing waited for.
    const old = clients.filter(
      ({ types: { secret } }) => secret.isActive && secret.acknowledged.get(rootSecretName) !== version,
    )
    return {
      unacknowledged: old.map(({ node }) => node.id),
      oldLeaves: this.#leaves.notSignedBy(this.#authority.signingCertificate, nodes),
    }
  }

  #writeBundle({ roots }: TrustBundle): void {
    writeFileAtomically(join(this.#options.folder, bundleFileName), formatCertificates(roots))
  }
}
