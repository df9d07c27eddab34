/** How a sidecar's Node is started, wherever one is: `weft up`, the image, the bench. Measured in docs/decisions/0004. */

/**
 * `--single-threaded` keeps compilers and collector off threads of their own, and a semi-space of 4 MB holds what the requests
 * under way make.
 */
export const proxyNodeFlags: readonly string[] = ['--single-threaded', '--max-semi-space-size=4']

/** glibc: one arena, and what is freed at the top goes back soon (mallopt(3)). */
export const proxyEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_TOP_PAD_: '65536',
}
