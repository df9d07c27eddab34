/**
 * Bundles the three programs into `dist/` with esbuild: what the container image and the benchmarks run. A bundle saves
 * each sidecar about 50 MB and 300 ms against stripping types at start. Fails when the proxy would carry a module that
 * `tools/tidy-rules.ts` keeps out of it.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { proxyForbidden } from './tidy-rules.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Makes `import` work for what must stay outside: `koffi` is native, and CommonJS inside an ES module needs `require`. */
const banner =
  "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);"

export interface BundleOptions {
  program: 'proxy' | 'control' | 'weft'
  /** Folder for `PROGRAM.mjs`. */
  outdir: string
}

/** @returns path and size in bytes of the bundle, and the inputs that went in. */
export async function bundle({
  program,
  outdir,
}: BundleOptions): Promise<{ path: string; bytes: number; inputs: string[] }> {
  const path = join(outdir, `${program}.mjs`)
  const result = await build({
    absWorkingDir: root,
    entryPoints: [`src/main/${program}.ts`],
    outfile: path,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    // Names stay, so that a stack in the log can be read; kept by calls (`keepNames`) they cost 3 % of a request.
    minifySyntax: true,
    minifyWhitespace: true,
    sourcemap: 'linked',
    external: ['koffi', 'esbuild'],
    banner: { js: banner },
    metafile: true,
    logLevel: 'warning',
  })
  const outputs = Object.entries(result.metafile.outputs).filter(([name]) => name.endsWith('.mjs'))
  const externals = outputs.flatMap(([, output]) => output.imports.filter((one) => one.external).map((one) => one.path))
  // What is looked at and then left out costs nobody anything.
  const inputs = Object.entries(outputs[0]![1].inputs).flatMap(([name, { bytesInOutput }]) =>
    bytesInOutput > 0 ? [name] : [],
  )
  return { path, bytes: outputs[0]![1].bytes, inputs: [...inputs, ...externals] }
}

/** Modules in the proxy's bundle that must not be there. */
export function forbiddenInputs(inputs: readonly string[]): string[] {
  return inputs.filter((input) =>
    proxyForbidden.some((name) => {
      if (name === '@bufbuild/protobuf')
        return input.includes('node_modules/@bufbuild/protobuf/') && !/\/wire\/|\/proto-int64\.js$/.test(input)
      return input === name || input.includes(`node_modules/${name}/`) || input.startsWith(`${name}/`)
    }),
  )
}

async function main(): Promise<void> {
  for (const program of ['proxy', 'control', 'weft'] as const) {
    const { path, bytes, inputs } = await bundle({ program, outdir: join(root, 'dist') })
    console.log(`${path.replace(root, '')}: ${(bytes / 1024).toFixed(0)} KB from ${inputs.length} modules`)
    if (program !== 'proxy') continue
    const forbidden = forbiddenInputs(inputs)
    for (const input of forbidden)
      console.error(`${input} may not be in the proxy (docs/decisions/0004-small-proxy.md)`)
    if (forbidden.length > 0) process.exitCode = 1
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
