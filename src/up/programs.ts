/**
 * The programs that the supervisor starts. A bundle made once saves every sidecar about 50 MB and 300 ms against stripping
 * types at its start, so one is made into the state folder where esbuild is at hand (a checkout); an image brings its own.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { proxyNodeFlags } from '#/config/proxy-launch.ts'
import type { Log } from '#/std/log.ts'

/** Command lines to which the program's flags are added. */
export interface Programs {
  proxy: string[]
  control: string[]
}

export async function findPrograms(options: { node: string; folder: string; log: Log }): Promise<Programs> {
  const { node, folder, log } = options
  const [proxy, control] = await Promise.all(
    (['proxy', 'control'] as const).map(
      async (program) => besideUs(program) ?? (await bundled({ program, folder, log })) ?? source(program),
    ),
  )
  return { proxy: [node, '--no-warnings', ...proxyNodeFlags, proxy!], control: [node, '--no-warnings', control!] }
}

/** When we are a bundle ourselves, the others stand in the same folder. */
function besideUs(program: string): string | undefined {
  const path = fileURLToPath(new URL(`./${program}.mjs`, import.meta.url))
  return existsSync(path) ? path : undefined
}

function source(program: string): string {
  return fileURLToPath(new URL(`../main/${program}.ts`, import.meta.url))
}

async function bundled(options: {
  program: 'proxy' | 'control'
  folder: string
  log: Log
}): Promise<string | undefined> {
  const { program, folder, log } = options
  // The name is put together so that a bundler does not follow it: the tool lives in a checkout only.
  const tool = new URL('../../tools/bundle.ts', import.meta.url)
  if (!existsSync(tool) || !existsSync(source(program))) return undefined
  try {
    const { bundle } = (await import(tool.href)) as typeof import('../../tools/bundle.ts')
    return (await bundle({ program, outdir: folder })).path
  } catch (error) {
    log.info('no bundle, so the program runs from its source', { program, reason: String(error) })
    return undefined
  }
}

/** Bundling leaves a process behind that waits for more work. */
export async function endBundler(): Promise<void> {
  try {
    const { stop } = await import('esbuild')
    await stop()
  } catch (error) {
    // Without esbuild nothing was bundled.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
  }
}

/** The folder of Weft itself, with `node_modules`. */
export const weftFolder = fileURLToPath(
  new URL(existsSync(new URL('./proxy.mjs', import.meta.url)) ? '..' : '../..', import.meta.url),
).replace(/\/$/, '')
