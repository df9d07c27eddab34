/** How the text of a request's path is made plain before anything is decided by it (Envoy: HttpConnectionManager). */

/** What is compared is what the application gets (docs/decisions/0013-access.md). */
export interface PathRules {
  /** RFC 3986, section 6.2.2: dot segments are resolved, unreserved characters decoded (Envoy: `normalize_path`). */
  isNormalized: boolean
  /** `//` is `/` (Envoy: `merge_slashes`). */
  mergesSlashes: boolean
  /** `%2f` and `%5c`: which applications take for slashes, or not (Envoy: `path_with_escaped_slashes_action`). */
  escapedSlashes: 'keep' | 'reject'
}

/** Where access is decided by paths. */
export const plainPaths: PathRules = { isNormalized: true, mergesSlashes: true, escapedSlashes: 'reject' }
