/** Attacks on limits, each against a proxy where the limit is tight and one where it stands as it does by default. */
import { test } from 'node:test'
import { expectCount, expectFlags, expectService, startHostile } from './hostile-proxy.ts'
import type { RawClient } from './raw-client.ts'

const tightFlags = [
  '--request-line-bytes-max=100',
  '--header-bytes-max=1000',
  '--header-count-max=10',
  '--request-header-timeout-ms=300',
  '--client-stall-ms=300',
  '--client-idle-ms=900',
  '--settings-timeout-ms=300',
  '--chunk-extension-bytes-max=20',
  '--streams-per-client-max=2',
  '--stream-window-bytes=1024',
  '--stream-window-bytes-max=1024',
  '--reset-burst-max=5',
  '--resets-per-second-max=1',
  '--idle-frame-burst-max=10',
  '--idle-frames-per-second-max=1',
  '--continuation-count-max=3',
]

export interface Attack<Client> {
  name: string
  /** What becomes of it where the limit is tight. */
  refused: string
  /** Code under which it is counted, response flags (`SI`) of the request's own record, or `idle`. */
  counted: string
  begin: (client: Client) => void
  /** Where the limit is wide the client goes on, and is answered as `taken` says. */
  finish?: (client: Client) => void
  taken: string
  /** Acknowledges no SETTINGS. */
  isSilent?: boolean
}

type OpenClient<Client> = (port: number, isSilent?: boolean) => Promise<Client>

export function runAttacks<Client extends RawClient>(
  version: string,
  attacks: Attack<Client>[],
  open: OpenClient<Client>,
): void {
  test(`${version}: limits`, async (t) => {
    const { tight, wide } = await startHostile(t, tightFlags)
    for (const { name, refused, counted, begin, finish, taken, isSilent } of attacks) {
      await t.test(`${name}: ${refused}, and ${taken} where the limit is wide`, async () => {
        const isFlags = /^[A-Z]+$/.test(counted)
        const before = isFlags ? 0 : await tight.count(counted)
        const [attacker, client] = [await open(tight.port, isSilent), await open(wide.port, isSilent)]
        for (const each of [attacker, client]) begin(each)
        await attacker.expect(refused)
        attacker.destroy()
        if (isFlags) await expectFlags(tight, counted)
        else await expectCount(tight, counted, before)
        await expectService(tight)
        finish?.(client)
        await client.expect(taken)
        client.destroy()
      })
    }
  })
}
