/** The control plane's identity on loopback, and the workloads that ask it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import {
  bundleFileName,
  type IdentityOptions,
  IdentityPlane,
  tokenKeyFileName,
} from '#/control/identity/identity-plane.ts'
import { trustDomain } from '#/identity/testing/authority.ts'
import type { TokenBearer } from '#/identity/token/token-claims.ts'
import { openTokenKey } from '#/identity/token/token-key.ts'
import { signToken } from '#/identity/token/token-signer.ts'
import { askForCertificate } from '#/identity/workload/certificate-client.ts'
import type { Svid } from '#/identity/workload/svid.ts'
import { WorkloadIdentity } from '#/identity/workload/workload-identity.ts'
import { Backoff } from '#/std/backoff.ts'
import { systemClock as clock } from '#/std/clock.ts'
import type { HostPort } from '#/std/host-port.ts'
import { Log } from '#/std/log.ts'
import { seededRandom } from '#/std/random.ts'
import { AdsServer } from '#/xds/serve/ads-server.ts'

export const cart: TokenBearer = { namespace: 'shop', serviceAccount: 'cart', pod: 'cart-1' }

export interface SteeredPlane {
  plane: IdentityPlane
  address: HostPort
  ads: AdsServer
  folder: string
  /** Of the control plane. */
  log: string[]
  /** The PEM of what is trusted, as sidecars begin with it. */
  bundleFile: string
  key: Uint8Array
  newToken(bearer?: TokenBearer): string
  /** A workload with its own token file; not started. */
  workload(options?: { bearer?: TokenBearer; ask?: typeof askForCertificate }): {
    identity: WorkloadIdentity
    tokenFile: string
    log: string[]
  }
}

const quiet = (lines: string[]): Log => new Log({ component: 'test', sink: { write: (line) => void lines.push(line) } })

export async function steerPlane(
  t: TestContext,
  changed: Partial<IdentityOptions> & { accountOf?: (node: string) => string | undefined } = {},
): Promise<SteeredPlane> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-identity-'))
  const log: string[] = []
  const ads = new AdsServer({ clock, log: quiet(log) })
  const { accountOf = () => undefined, ...options } = changed
  const plane = new IdentityPlane(
    { secure: { host: '127.0.0.1', port: 0 }, folder, trustDomain, leafLifeMs: 3_600_000, ...options },
    { ads, accountOf, clock, log: quiet(log) },
  )
  const address = await plane.listen()
  const key = openTokenKey(join(folder, tokenKeyFileName))
  const bundleFile = join(folder, bundleFileName)
  t.after(async () => {
    await plane.stop()
    ads.stop()
    rmSync(folder, { recursive: true })
  })
  const newToken = (bearer = cart): string => signToken(key, bearer, clock.wallMs())
  let count = 0
  return {
    plane,
    address,
    ads,
    folder,
    log,
    bundleFile,
    key,
    newToken,
    workload({ bearer = cart, ask = askForCertificate } = {}) {
      const tokenFile = join(folder, `token-${count++}`)
      writeFileSync(tokenFile, newToken(bearer))
      const lines: string[] = []
      const random = seededRandom(count)
      const identity = new WorkloadIdentity({
        addresses: [address],
        trustDomain,
        tokenFile,
        bundleFile,
        pollMs: 20,
        ask,
        backoff: new Backoff({ initialMs: 20, maxMs: 100, random }),
        clock,
        random,
        log: quiet(lines),
      })
      t.after(() => identity.stop())
      return { identity, tokenFile, log: lines }
    },
  }
}

/** A leaf takes tens of ms; on a busy machine, seconds. */
const waitMaxMs = 20_000

/** The first leaf, or the first that `is` so. */
export function nextSvid(identity: WorkloadIdentity, is: (svid: Svid) => boolean = () => true): Promise<Svid> {
  return new Promise((resolve, reject) => {
    const limit = clock.after(waitMaxMs, () => reject(new Error(`no leaf came: ${identity.reason}`)))
    const unsubscribe = identity.svid.subscribe((svid) => {
      if (!is(svid)) return
      limit.cancel()
      unsubscribe()
      resolve(svid)
    })
  })
}
