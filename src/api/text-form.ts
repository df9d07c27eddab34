/** Forms of text that Kubernetes and Gateway API ask of names, labels and host names. A message says what to write. */
import { z } from 'zod'

const label = '[a-z0-9]([-a-z0-9]*[a-z0-9])?'
const subdomain = `${label}(\\.${label})*`

/** RFC 1123 label: Namespaces, Services, port names of a Service, the first part of most names. */
export const labelName = z
  .string()
  .min(1)
  .max(63)
  .regex(new RegExp(`^${label}$`), 'lower case letters, digits and dashes, with a letter or digit at both ends')

/** RFC 1123 subdomain: the names of most objects. */
export const subdomainName = z
  .string()
  .min(1)
  .max(253)
  .regex(
    new RegExp(`^${subdomain}$`),
    'lower case letters, digits, dashes and dots, with a letter or digit at both ends of each part',
  )

/** Name of an object that is referred to; whether it exists is another question. */
export const objectName = z.string().min(1).max(253)

/** API group; the core group is the empty text. */
export const groupName = z
  .string()
  .max(253)
  .regex(new RegExp(`^(${subdomain})?$`), 'an API group like gateway.networking.k8s.io, or "" for the core group')

/** Kind of an object that is referred to. */
export const kindName = z
  .string()
  .min(1)
  .max(63)
  .regex(/^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/, 'a kind like Service')

/** `IANA_SVC_NAME` (RFC 6335, section 5.1): the name of a container's port. */
export const containerPortName = z
  .string()
  .min(1)
  .max(15)
  .regex(
    /^(?=.*[a-z])[a-z0-9](-?[a-z0-9])*$/,
    'a port name: lower case letters, digits and single dashes, at least one letter',
  )

const qualified = `(${subdomain}/)?([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]`

/** Key of a label or an annotation. */
export const qualifiedName = z
  .string()
  .min(1)
  .max(317)
  .regex(new RegExp(`^${qualified}$`), 'a name like app or example.com/app, of at most 63 characters behind the slash')

export const labelValue = z
  .string()
  .max(63)
  .regex(
    /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/,
    'letters, digits, dashes, dots and underscores, with a letter or digit at both ends',
  )

/** Labels; also what a selector asks for. */
export const labels = z.record(qualifiedName, labelValue)

export const portNumber = z.int().min(1).max(65535)

/** GEP-2257: up to four numbers with unit h, m, s or ms, each at most five digits. */
export const duration = z
  .string()
  .regex(/^([0-9]{1,5}(h|m|s|ms)){1,4}$/, 'a duration like 1s, 500ms or 1m30s (GEP-2257)')

/** RFC 9110, section 5.6.2: what a header's name consists of. */
export const headerToken = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/

/** `Hostname` of Gateway API: lower case, perhaps with a wildcard in front. */
export const hostnamePattern = new RegExp(`^(\\*\\.)?${subdomain}$`)

/** `PreciseHostname` of Gateway API. */
export const preciseHostnamePattern = new RegExp(`^${subdomain}$`)
