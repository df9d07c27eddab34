/**
 * Weft's own image, for clusters of tests: what `Dockerfile` builds, made without a builder from this machine's files. Node and the
 * libraries that it names, nft, koffi and the three bundles; the last layer alone changes with the code.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundle } from '../../../tools/bundle.ts'
import { imageTar } from './oci-image.ts'
import type { TarFile } from './tar.ts'

export const weftImageName = 'weft.test/weft:dev'
const root = fileURLToPath(new URL('../../..', import.meta.url))
const nft = '/usr/sbin/nft'
const roots = '/etc/ssl/certs/ca-certificates.crt'

/** Whom the programs run as; the rules of interception let this one through. */
export const weftUser = 1337

export async function weftImage(): Promise<Buffer> {
  const node = join(root, 'node_modules/node/bin/node')
  const system = [
    { path: 'usr/local/bin/node', content: readFileSync(node), mode: 0o755 },
    { path: 'usr/sbin/nft', content: readFileSync(nft), mode: 0o755 },
    ...librariesOf([node, nft]).map((path) => ({ path: path.slice(1), content: readFileSync(path), mode: 0o755 })),
    { path: 'etc/passwd', content: Buffer.from(`root:x:0:0::/:\nweft:x:${weftUser}:${weftUser}::/:\n`) },
    ...(existsSync(roots) ? [{ path: roots.slice(1), content: readFileSync(roots) }] : []),
  ]
  return imageTar({
    name: weftImageName,
    layers: [system, koffiFiles(), await bundles()],
    config: {
      User: `${weftUser}:${weftUser}`,
      WorkingDir: '/app',
      Entrypoint: ['/usr/local/bin/node', '--no-warnings'],
      Env: ['NODE_ENV=production', 'PATH=/usr/local/bin:/usr/sbin'],
    },
  })
}

/** Where the loader finds each, once. */
function librariesOf(programs: readonly string[]): string[] {
  const listed = programs.map((program) => execFileSync('ldd', [program], { encoding: 'utf8' })).join('\n')
  return [...new Set([...listed.matchAll(/(?:=> )?(\/\S+) \(0x/g)].map((match) => match[1]!))].sort()
}

/** Native, so it can't be bundled; of its sources only what is loaded. */
function koffiFiles(): TarFile[] {
  const native = readdirSync(join(root, 'node_modules/@koromix')).map((name) => `node_modules/@koromix/${name}`)
  return ['node_modules/koffi', ...native]
    .flatMap((folder) => filesUnder(join(root, folder)))
    .filter((path) => /\.(js|cjs|json|node)$/.test(path) && !/\/(doc|src|vendor)\//.test(relative(root, path)))
    .map((path) => ({ path: join('app', relative(root, path)), content: readFileSync(path) }))
}

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
}

async function bundles(): Promise<TarFile[]> {
  const outdir = mkdtempSync(join(tmpdir(), 'weft-image-'))
  try {
    for (const program of ['proxy', 'control', 'weft'] as const) await bundle({ program, outdir })
    return readdirSync(outdir)
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => ({ path: `app/${name}`, content: readFileSync(join(outdir, name)) }))
  } finally {
    rmSync(outdir, { recursive: true })
  }
}
