/** Every setting of `weft up`, the laptop mesh; each is a flag of the command as well. */
import type { SettingTable, SettingValues } from './setting.ts'

export const upSettings = {
  isolate: {
    type: 'boolean',
    default: false,
    reason:
      'Each replica in a network namespace of its own, with its traffic redirected to the sidecar by the kernel as in a pod; for Linux as root.',
  },
  drainDelayMs: {
    type: 'integer',
    unit: 'ms',
    min: 0,
    max: 60_000,
    default: 300,
    reason:
      'Time between the word that a replica goes and its end; the word reaches all sidecars of a laptop within some tens of ms.',
  },
  leafLifeMs: {
    type: 'integer',
    unit: 'ms',
    min: 1000,
    max: 86_400_000,
    default: 86_400_000,
    reason: "Life of the workloads' certificates; they are renewed at half of it. Short ones show that nobody notices.",
  },
  restartInitialMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: 60_000,
    default: 200,
    reason:
      'First wait before a process that ended is started again. Kubernetes waits 10 s; nobody at a terminal would.',
  },
  restartMaxMs: {
    type: 'integer',
    unit: 'ms',
    min: 1,
    max: 600_000,
    default: 30_000,
    reason: 'Longest wait before a process that ends again and again is started again.',
  },
  stopMs: {
    type: 'integer',
    unit: 'ms',
    min: 0,
    max: 60_000,
    default: 2000,
    reason: 'When the mesh is ended, its processes get this long to end by themselves.',
  },
  logBytesMax: {
    type: 'integer',
    unit: 'bytes',
    min: 65_536,
    max: 1_073_741_824,
    default: 16_777_216,
    reason: 'A log that has grown beyond this is cut to nothing, after a copy of it was kept beside it.',
  },
} as const satisfies SettingTable

export type UpSettings = SettingValues<typeof upSettings>
