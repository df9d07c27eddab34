/** Loaded into a sidecar before its own code: a request with `x-fault: METHOD` meets a mistake in that method of its exchange. */
import { Exchange } from '#/proxy/exchange/exchange.ts'

export const faultyMethods = [
  'proceed',
  'onData',
  'onEnd',
  'onReset',
  'onFinished',
  'answerHead',
  'answerData',
  'answerEnd',
] as const

type Method = (this: Exchange, ...given: unknown[]) => unknown

for (const name of faultyMethods) {
  const methods = Exchange.prototype as unknown as Record<string, Method>
  const sound = methods[name]!
  methods[name] = function (...given) {
    const { headers } = this.head
    const at = headers.indexOf('x-fault')
    if (at >= 0 && headers[at + 1] === name) {
      // Once: what clears up behind it may call the same again.
      headers[at + 1] = 'done'
      throw new Error(`injected into ${name}`)
    }
    return sound.apply(this, given)
  }
}
