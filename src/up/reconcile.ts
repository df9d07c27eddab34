/** Which replicas to start and which to let go, so that a Deployment becomes what it says: pure. */

/** One replica that runs, or is starting, and was not asked to go. */
export interface ReplicaState {
  pod: string
  /** The plan it was started from. */
  hash: string
  isReady: boolean
}

export interface ReconcileOptions {
  /** Present plan of the Deployment. */
  hash: string
  replicas: number
  running: readonly ReplicaState[]
  /** How many may run above `replicas` while old ones are replaced, 1 or more. */
  surge?: number
}

/**
 * New replicas come up and are ready before old ones go (Kubernetes' RollingUpdate with maxUnavailable 0); of old ones, those
 * that are not ready go first. With fewer replicas wanted, the youngest go, and those that are not ready before them.
 */
export function reconcile(options: ReconcileOptions): { start: number; drain: string[] } {
  const { hash, replicas, running, surge = 1 } = options
  const present = running.filter((one) => one.hash === hash)
  const old = running.filter((one) => one.hash !== hash)
  const surplus = goingFirst(present).slice(0, Math.max(0, present.length - replicas))
  const kept = present.filter((one) => !surplus.includes(one))
  const isRolling = old.length > 0
  const room = isRolling ? replicas + surge - kept.length - old.length : replicas
  const start = Math.max(0, Math.min(replicas - kept.length, room))
  const mayGo = Math.max(0, kept.filter(isReady).length + old.filter(isReady).length - replicas)
  const brokenOld = old.filter((one) => !one.isReady)
  const readyOld = old.filter(isReady).slice(0, mayGo)
  return { start, drain: [...surplus, ...brokenOld, ...readyOld].map(({ pod }) => pod) }
}

const isReady = (one: ReplicaState): boolean => one.isReady

function goingFirst(replicas: readonly ReplicaState[]): ReplicaState[] {
  return [...replicas].reverse().sort((a, b) => Number(a.isReady) - Number(b.isReady))
}
