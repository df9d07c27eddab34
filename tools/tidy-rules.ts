/** The tables that `tidy.ts` checks: change a rule here, and say why in `docs/decisions/`. */

/** Who may import whom. The longest matching row counts; `*` is anything. A room may always import itself. */
export const allowedImports: Record<string, string[]> = {
  'src/main': ['*'],
  'src/std': [],
  'src/config': ['src/std'],
  'src/api': ['src/std'],
  'src/model': ['src/std'],
  'src/codec': ['src/std'],
  'src/xds': ['src/std', 'src/model', 'src/codec'],
  'src/identity/der': ['src/std'],
  'src/identity/spiffe': ['src/std', 'src/identity/der'],
  'src/identity/file': ['src/std'],
  'src/identity/workload': [
    'src/std',
    'src/identity/der',
    'src/identity/file',
    'src/identity/spiffe',
    'src/xds/transport/client',
  ],
  'src/identity/token': ['src/std', 'src/identity/spiffe'],
  'src/identity/ca': ['src/std', 'src/identity/der', 'src/identity/file', 'src/identity/spiffe'],
  'src/identity/agent': ['src/std', 'src/model', 'src/identity/spiffe', 'src/identity/workload', 'src/xds'],
  'src/identity': ['src/std', 'src/codec', 'src/xds/transport'],
  'src/kubernetes': ['src/std'],
  'src/ratelimit': ['src/std', 'src/xds/proto', 'src/xds/transport/server'],
  'src/control': ['src/std', 'src/config', 'src/api', 'src/model', 'src/xds', 'src/identity', 'src/kubernetes'],
  'src/proxy': [
    'src/std',
    'src/config',
    'src/model',
    'src/codec',
    'src/xds/fetch',
    'src/xds/resources/decode',
    'src/xds/resources/resource.ts',
    'src/xds/node.ts',
    'src/identity/workload',
    'src/identity/spiffe',
  ],
  'src/telemetry': ['src/std', 'src/config', 'src/model', 'src/codec', 'src/proxy/events.ts'],
  'src/up': [
    'src/std',
    'src/config',
    'src/api',
    'src/model',
    'src/control/source',
    'src/identity/token',
    'src/identity/spiffe',
  ],
  'src/cli': [
    'src/std',
    'src/config',
    'src/api',
    'src/model',
    'src/control',
    'src/xds',
    'src/identity',
    'src/ratelimit',
    'src/up',
    // Decisions are explained by what takes them.
    'src/proxy/policy',
  ],
}

/** Modules that cost each sidecar megabytes; the proxy's closure holds none of them. */
export const proxyForbidden = [
  'src/control',
  'src/kubernetes',
  'src/api',
  'src/identity/agent',
  'src/identity/ca',
  'src/identity/token',
  'src/ratelimit',
  '@redis/client',
  'jose',
  '@bufbuild/protobuf',
  '@grpc/grpc-js',
  'node:http',
  'node:https',
  'node:http2',
  'zod',
  'yaml',
  'fastify',
  'commander',
]

/** File names that say nothing. */
export const bannedNames = ['utils', 'helpers', 'common', 'misc', 'manager', 'types', 'index', 'base']

export const fileLinesMax = 300

/** A pattern a line must not hold, the places where it may stand, and what to do instead. */
export const bans: { pattern: RegExp; except: string[]; cure: string }[] = [
  {
    pattern: /process\.env\b/,
    except: ['src/config/', 'src/main/', 'test/', 'tools/', 'bench/', 'examples/'],
    cure: 'read settings through src/config, not process.env',
  },
  {
    pattern: /\bDate\.now\(/,
    except: ['src/std/clock.ts', 'src/std/log.ts', 'test/', 'tools/', 'bench/', 'examples/'],
    cure: 'take a Clock (src/std/clock.ts) instead of Date.now',
  },
  {
    pattern: /\bMath\.random\b/,
    except: ['src/std/random.ts', 'examples/', 'test/', 'bench/'],
    cure: 'take a Random (src/std/random.ts) instead of Math.random',
  },
  {
    pattern: /\benum \w|\bnamespace \w+ \{|@ts-ignore|@ts-nocheck/,
    except: [],
    cure: 'unions of string literals for enums, modules for namespaces, and types that hold',
  },
  { pattern: /catch\s*(\([^)]*\))?\s*\{\s*\}/, except: [], cure: 'a fault is never swallowed without a word' },
  {
    pattern: /: any(?=[,;)\]\s]*$| =| \|)|<any>|\bas any\b/,
    except: [],
    cure: 'say what it is, or `unknown`',
  },
]
