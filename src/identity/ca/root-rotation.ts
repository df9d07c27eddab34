/**
 * How one root takes the place of another without a connection that fails:
 *
 *   stable ──begin──▶ spreading ──▶ signing ──▶ withdrawing ──▶ stable
 *                        └─abort─▶ stable
 *
 * | phase       | trusted, the signing one first | signs |
 * | ----------- | ------------------------------ | ----- |
 * | stable      | root                           | root  |
 * | spreading   | old, next                      | old   |
 * | signing     | next, old                      | next  |
 * | withdrawing | root                           | root  |
 *
 * A step is taken by command, and only when what the one before wanted is true everywhere. Pure; `root-store.ts` keeps it.
 */

/** Roots by the name under which they are kept. */
export type RootRotation =
  | { phase: 'stable'; root: string }
  | { phase: 'spreading'; old: string; next: string }
  | { phase: 'signing'; old: string; next: string }
  | { phase: 'withdrawing'; root: string }

export interface RotationProgress {
  /** Proxies that have yet to acknowledge the present bundle. */
  unacknowledged: readonly string[]
  /** Proxies whose leaf is not of the root that signs. */
  oldLeaves: readonly string[]
}

export type RotationStep = { ok: true; rotation: RootRotation } | { ok: false; reason: string }

/** Roots that are trusted, the one that signs first: a proxy whose leaf is of another renews it. */
export function trustedRoots(rotation: RootRotation): readonly [string, ...string[]] {
  switch (rotation.phase) {
    case 'stable':
    case 'withdrawing':
      return [rotation.root]
    case 'spreading':
      return [rotation.old, rotation.next]
    case 'signing':
      return [rotation.next, rotation.old]
  }
}

export function beginRotation(rotation: RootRotation, next: string): RotationStep {
  if (rotation.phase !== 'stable') return refused(`a rotation is under way: ${rotation.phase}`)
  return { ok: true, rotation: { phase: 'spreading', old: rotation.root, next } }
}

/** Forgets the next root; nobody has a leaf of it yet. */
export function abortRotation(rotation: RootRotation): RotationStep {
  if (rotation.phase !== 'spreading') return refused(`only spreading can be given up, and this is ${rotation.phase}`)
  return { ok: true, rotation: { phase: 'stable', root: rotation.old } }
}

export function advanceRotation(rotation: RootRotation, { unacknowledged, oldLeaves }: RotationProgress): RotationStep {
  if (rotation.phase === 'stable') return refused('no rotation is under way')
  if (unacknowledged.length > 0) return refused(`${list(unacknowledged)} have yet to acknowledge the trust bundle`)
  if (rotation.phase === 'spreading') return { ok: true, rotation: { ...rotation, phase: 'signing' } }
  if (oldLeaves.length > 0) return refused(`${list(oldLeaves)} still show leaves of the old root`)
  return rotation.phase === 'signing'
    ? { ok: true, rotation: { phase: 'withdrawing', root: rotation.next } }
    : { ok: true, rotation: { phase: 'stable', root: rotation.root } }
}

function refused(reason: string): RotationStep {
  return { ok: false, reason }
}

/** The first few by name. */
function list(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
