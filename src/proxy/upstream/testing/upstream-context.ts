/** What pools and clusters need, for tests. */
import { defaultLimits } from '#/codec/http1/limits.ts'
import { defaultHttp2Limits } from '#/codec/http2/limits.ts'
import { TimerWheel } from '#/codec/timer-wheel.ts'
import { EventRecorder, testSettings } from '#/proxy/testing/engine.ts'
import { PemWatch } from '#/proxy/tls/pem-watch.ts'
import { clientCodec } from '#/proxy/upstream/client-codec.ts'
import type { UpstreamContext, UpstreamLimits } from '#/proxy/upstream/upstream-context.ts'
import type { Clock } from '#/std/clock.ts'
import { systemClock } from '#/std/clock.ts'
import { Log } from '#/std/log.ts'
import { seededRandom } from '#/std/random.ts'

export interface TestUpstream extends UpstreamContext {
  events: EventRecorder
}

export interface TestUpstreamOptions {
  limits?: Partial<UpstreamLimits>
  clock?: Clock
}

export function testUpstream({ limits, clock = systemClock }: TestUpstreamOptions = {}): TestUpstream {
  const log = new Log({ component: 'proxy', sink: { write: () => undefined } })
  const coarseWheel = new TimerWheel({ tickMs: 20, clock })
  return {
    limits: { ...testSettings(), ...limits },
    clock,
    random: seededRandom(1),
    wheel: new TimerWheel({ tickMs: 20, clock }),
    coarseWheel,
    events: new EventRecorder(),
    certificates: new PemWatch({ clock, log, intervalMs: 50 }),
    openConnection: clientCodec({ http1: defaultLimits, http2: defaultHttp2Limits, wheel: coarseWheel }),
    isLoop: () => false,
  }
}
