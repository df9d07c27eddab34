/**
 * Every code of a fault in users' YAML, declared once. What one fault says of its own case (names, places, what to write)
 * stands in the fault; here is what its code means, and what becomes of the object.
 */

export interface FaultCode {
  /** What is wrong, one sentence. */
  readonly meaning: string
  /** What becomes of the object. */
  readonly effect: string
}

const unread = 'What the file held before stays in force.'
const refused = 'The object is not taken; its last good version stays in force.'
const skipped = 'The object is left out.'
const share =
  'The share of requests that would go there is answered with 500 (gRPC: UNAVAILABLE), of connections closed; a mirror is left out.'
const answered = 'The rule answers 500; the other rules of the route go on.'
const none = 'None: the object is in force.'

export const faultCodes = {
  // Reading files (src/control/source).
  syntax: { meaning: 'The text is no YAML.', effect: unread },
  'duplicate-key': { meaning: 'A field stands twice in one map.', effect: unread },
  unreadable: { meaning: 'The file or folder can not be read.', effect: unread },
  'not-text': { meaning: 'The file holds binary data.', effect: unread },
  'too-many-files': { meaning: 'The folder holds more YAML files than are read.', effect: 'The rest is left out.' },
  'file-too-large': { meaning: 'The file is larger than any that a person writes.', effect: unread },
  'no-object': { meaning: 'The document is no Kubernetes object.', effect: 'The document is left out.' },
  'unknown-kind': { meaning: 'The kind is not known, but is spelt like a known one.', effect: skipped },
  'duplicate-object': {
    meaning: 'Another document has its kind, namespace and name.',
    effect: 'The first one counts.',
  },
  // Fields of one object (src/api).
  'missing-field': { meaning: 'A field that must be there is not.', effect: refused },
  'unknown-field': { meaning: 'The object has no such field.', effect: refused },
  'near-miss': { meaning: 'Nothing reads the field, but it is spelt like one that is read.', effect: none },
  'wrong-type': { meaning: 'The field holds another type of value.', effect: refused },
  'wrong-value': { meaning: 'The field takes only certain values.', effect: refused },
  'wrong-format': { meaning: 'The text is not of the form that the field must have.', effect: refused },
  'out-of-range': { meaning: 'A number, or a number of items, is too small or too large.', effect: refused },
  invalid: { meaning: 'The value breaks a rule of its field.', effect: refused },
  'duplicate-name': { meaning: 'Two entries that need names of their own have the same.', effect: refused },
  'duplicate-port': { meaning: 'Two ports of a Service have the same number and protocol.', effect: refused },
  'duplicate-filter': { meaning: 'A filter stands twice where it may stand once.', effect: refused },
  'bad-header-name': { meaning: 'The name is no HTTP header name (RFC 9110, token).', effect: refused },
  'bad-header-value': { meaning: 'The text is no HTTP header value (RFC 9110, section 5.5).', effect: refused },
  'bad-hostname': { meaning: 'The text is no host name.', effect: refused },
  'bad-path': { meaning: 'No request can have this path.', effect: refused },
  'bad-method': { meaning: 'No gRPC service or method can have this name.', effect: refused },
  'bad-regex': { meaning: 'The pattern is not of RE2, whose matching takes linear time.', effect: refused },
  contradiction: { meaning: 'Two fields of the object exclude one another.', effect: refused },
  'prefix-without-match': { meaning: 'A prefix is to be replaced that the rule does not match by.', effect: refused },
  'incompatible-filters': { meaning: 'Filters of one rule exclude one another.', effect: answered },
  // Objects that belong together (src/control/source/lint.ts).
  'selector-mismatch': { meaning: 'The selector of a Deployment does not fit its own Pods.', effect: none },
  'selects-nothing': { meaning: 'The selector of a Service fits no Pods.', effect: 'Calls are answered with 503.' },
  'dangling-service-account': { meaning: 'The ServiceAccount does not exist.', effect: none },
  'dangling-target-port': { meaning: 'No container has a port of that name.', effect: 'Calls are answered with 503.' },
  // Routes and what they refer to (src/control/translate).
  'dangling-parent': {
    meaning: 'The route can not be attached there.',
    effect: 'It is in force at its other parents.',
  },
  'conflicting-route': {
    meaning: 'A route of a more specific kind stands before the same port.',
    effect: 'The route is in force at its other ports and parents.',
  },
  'parent-group': { meaning: 'A parentRef to a Service lacks the core group.', effect: 'It is taken as meant.' },
  'parent-kind': { meaning: 'A route can not be attached to this kind.', effect: 'The parentRef is ignored.' },
  'no-parent': { meaning: 'The route has no parentRefs.', effect: 'It applies to nothing.' },
  'hostnames-ignored': {
    meaning: 'Hostnames mean nothing for a Service.',
    effect: 'The route takes every request to it.',
  },
  'dangling-backend': { meaning: 'The Service, or its port, does not exist.', effect: share },
  'backend-kind': { meaning: 'Requests can not be sent to this kind.', effect: share },
  'backend-not-permitted': { meaning: 'No ReferenceGrant lets the route refer to that namespace.', effect: share },
  'backend-port-missing': { meaning: 'A reference to a Service names no port.', effect: share },
  'backend-protocol': { meaning: 'The port of the Service does not speak what the route sends.', effect: share },
  'no-backend': { meaning: 'A rule has neither backendRefs nor a redirect.', effect: 'It answers 500.' },
  'no-weight': { meaning: 'Every backendRef of a rule has weight 0.', effect: 'It answers 500.' },
  'unsupported-filter': { meaning: 'Weft can not do what the filter asks, and must not skip it.', effect: answered },
  'unsupported-field': { meaning: 'The field is known but not in force.', effect: 'The rest of the rule is in force.' },
  'shadowed-rule': { meaning: 'Another rule takes every request first.', effect: 'The match never takes a request.' },
  'redirect-cycle': { meaning: 'A redirect never comes to an end.', effect: 'Clients give up with an error.' },
  // What is outside the mesh, and TLS of backends (src/control/translate/external, backend-tls).
  'bad-address': { meaning: 'The text is no address.', effect: refused },
  'external-conflict': { meaning: 'Another ExternalService of the namespace has the host.', effect: skipped },
  'backend-of-any-host': {
    meaning: 'The ExternalService goes where each call was going, so that it is no place to send to.',
    effect: share,
  },
  'dangling-ca': {
    meaning: 'A ConfigMap with certificates is missing or holds none.',
    effect: 'The others count; without any, calls are answered with 503.',
  },
  'ca-kind': {
    meaning: 'Certificates are read from ConfigMaps alone.',
    effect: 'The others count; without any, calls are answered with 503.',
  },
  'dangling-target': {
    meaning: 'What the policy is attached to does not exist.',
    effect: 'It is in force at its other targets.',
  },
  'conflicting-policy': {
    meaning: 'An older policy is attached to the same target.',
    effect: 'The older one is in force there.',
  },
  'bad-expression': { meaning: 'The expression is no CEL, or asks for what a sidecar can not tell.', effect: refused },
  'closed-rule': {
    meaning: 'A sidecar can not tell a part of what a rule of access asks for.',
    effect: 'An Allow allows less, a Deny denies more.',
  },
  // Policies (src/api/policy-target.ts).
  'target-kind': { meaning: 'The policy can not be attached to this kind.', effect: refused },
  'target-not-permitted': { meaning: 'The policy says something about what is not of its namespace.', effect: refused },
  'jwks-unavailable': {
    meaning: 'The keys of an issuer of tokens could not be fetched.',
    effect: 'Requests with its tokens are answered 503.',
  },
  'authorization-server': {
    meaning: 'The authorisation server that a policy names can not be asked.',
    effect: 'Requests are refused, unless `failureMode: Allow` lets them pass.',
  },
  // Services, endpoints and Pods (src/control/translate).
  'external-name': { meaning: 'A Service of type ExternalName has no endpoints.', effect: skipped },
  'slice-without-service': { meaning: 'An EndpointSlice names no Service.', effect: skipped },
  'slice-address-type': { meaning: 'An EndpointSlice lists DNS names.', effect: skipped },
  'bad-annotation': { meaning: "One of Weft's annotations can not be read.", effect: 'The annotation is ignored.' },
} as const satisfies Record<string, FaultCode>

export type FaultCodeName = keyof typeof faultCodes
