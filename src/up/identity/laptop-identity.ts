/** Where identity stands in the state folder of a laptop mesh, and what its processes are told of it. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openTokenKey } from '#/identity/token/token-key.ts'
import type { Clock } from '#/std/clock.ts'
import { formatHostPort, type HostPort } from '#/std/host-port.ts'
import type { Log } from '#/std/log.ts'
import type { StateFolder } from '../state-folder.ts'
import type { WorkloadPlan } from '../workload-plan.ts'
import { TokenBook } from './token-book.ts'

export interface LaptopIdentityOptions {
  state: StateFolder
  /** TLS port of the control plane. */
  secure: HostPort
  /** Of a leaf, ms. */
  leafLifeMs: number
  clock: Clock
  log: Log
}

/** A replica's sidecar. */
interface SidecarPlace {
  plan: WorkloadPlan
  pod: string
  /** Its own state folder. */
  folder: string
  /** User that it runs as, where it is not ours. */
  user: number | undefined
}

export class LaptopIdentity {
  readonly #options: LaptopIdentityOptions
  readonly #tokens: TokenBook

  constructor(options: LaptopIdentityOptions) {
    this.#options = options
    const { state, clock, log } = options
    // The folder is there before a sidecar of a namespace of its own is bound to it.
    mkdirSync(state.trust, { recursive: true, mode: 0o755 })
    this.#tokens = new TokenBook({ key: openTokenKey(join(state.identity, 'token.key')), clock, log })
  }

  /** Flags of the control plane. */
  controlFlags(): Record<string, string> {
    const { state, secure, leafLifeMs } = this.#options
    return { secure: formatHostPort(secure), 'identity-dir': state.identity, 'leaf-life-ms': String(leafLifeMs) }
  }

  /** Flags of a sidecar that is about to start; a fresh token stands in its file. */
  sidecarFlags({ plan, pod, folder, user }: SidecarPlace): Record<string, string> {
    const { state, secure } = this.#options
    const path = tokenPath(folder)
    this.#tokens.issue(path, { namespace: plan.namespace, serviceAccount: plan.serviceAccount, pod }, user)
    return {
      'control-secure': formatHostPort(secure),
      'identity-token-file': path,
      'trust-bundle-file': join(state.trust, 'bundle.pem'),
    }
  }

  forget(folder: string): void {
    this.#tokens.forget(tokenPath(folder))
  }

  stop(): void {
    this.#tokens.stop()
  }
}

function tokenPath(folder: string): string {
  return join(folder, 'token')
}
