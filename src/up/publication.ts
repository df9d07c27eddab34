/** Whether what runs is also known: the control plane has read that every replica is ready, and every sidecar has heard of it. */
import type { Clock } from '#/std/clock.ts'

/** Between looks, ms. */
const lookMs = 25
/** The mesh is announced after this time in any case: a person at a terminal waits no longer for the last sidecar, ms. */
const waitMaxMs = 5000

export interface PublicationOptions {
  /** URL of the control plane's HTTP API. */
  api: string
  /** Pods that are ready, as `POD.NAMESPACE`. */
  pods: readonly string[]
  clock: Clock
}

interface MeshAnswer {
  workloads: { pod: string; namespace: string; isReady: boolean }[]
}

async function isPublished({ api, pods }: PublicationOptions): Promise<boolean> {
  try {
    const mesh = (await (await fetch(`${api}/api/v1/mesh`)).json()) as MeshAnswer
    const ready = new Set(
      mesh.workloads.filter(({ isReady }) => isReady).map(({ pod, namespace }) => `${pod}.${namespace}`),
    )
    if (!pods.every((pod) => ready.has(pod))) return false
    const proxies = (await (await fetch(`${api}/api/v1/proxies`)).json()) as {
      isConnected: boolean
      isSynced: boolean
    }[]
    return proxies.every(({ isConnected, isSynced }) => !isConnected || isSynced)
  } catch (error) {
    // The control plane may be starting again; another look follows.
    if (error instanceof TypeError || error instanceof SyntaxError) return false
    throw error
  }
}

/** Resolves when every one of `pods` is published as ready and acknowledged, or after five seconds. */
export async function untilPublished(options: PublicationOptions): Promise<void> {
  const { clock } = options
  const endMs = clock.monotonicMs() + waitMaxMs
  while (clock.monotonicMs() < endMs) {
    if (await isPublished(options)) return
    await new Promise<void>((resolve) => clock.after(lookMs, resolve))
  }
}
