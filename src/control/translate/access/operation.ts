/** `to` of an AccessPolicy → what is asked for. */
import type { AccessGrpc, AccessHeader, AccessOperation } from '#/api/access-policy.ts'
import type { Combined, Permission } from '#/model/access.ts'
import type { ValueMatch } from '#/model/route.ts'
import { allOf, always, type Bias, notOf, oneOf, opposite } from './condition.ts'

/** @param bias `least` for what is allowed. @returns one condition; several operations are alternatives. */
export function permissionOf(operations: readonly AccessOperation[] | undefined, bias: Bias): Combined<Permission> {
  return operations ? oneOf(operations.map((operation) => operationOf(operation, bias))) : always
}

type Compile<T> = (entry: T, bias: Bias) => Combined<Permission>

function operationOf(operation: AccessOperation, bias: Bias): Combined<Permission> {
  const parts: Combined<Permission>[] = []
  const add = <T>(wanted: readonly T[] | undefined, unwanted: readonly T[] | undefined, compile: Compile<T>): void => {
    if (wanted) parts.push(oneOf(wanted.map((entry) => compile(entry, bias))))
    if (unwanted) parts.push(notOf(oneOf(unwanted.map((entry) => compile(entry, opposite(bias))))))
  }
  add(operation.ports, operation.notPorts, (port) => ({ type: 'port', port }))
  add(operation.methods, operation.notMethods, (method) => exact(':method', method))
  add(operation.paths, operation.notPaths, (path) => pathOf(path))
  add(operation.hosts, operation.notHosts, (host) => hostOf(host))
  add(operation.grpc, operation.notGrpc, grpcOf)
  // Of what is asked for each must hold; one that is excluded is enough.
  for (const header of operation.headers ?? []) parts.push(headerOf(header, bias))
  if (operation.notHeaders)
    parts.push(notOf(oneOf(operation.notHeaders.map((header) => headerOf(header, opposite(bias))))))
  return allOf(parts)
}

export function header(match: Omit<ValueMatch, 'isInverted'>): Combined<Permission> {
  return { type: 'header', match: { ...match, isInverted: false } }
}

export function exact(name: string, value: string): Combined<Permission> {
  return header({ name, type: 'exact', value })
}

/** As requests bring it once it is plain (src/proxy/policy/path-normal.ts): octets outside ASCII are escaped. */
function plainPath(path: string): string {
  return encodeURI(path.replace(/%[0-9a-f]{2}/gi, (octet) => octet.toUpperCase()))
    .replace(/%25([0-9A-F]{2})/g, '%$1')
    .replace(/%7B/g, '{')
    .replace(/%7D/g, '}')
}

/** Names in a template are for readers. */
export function pathOf(path: string): Combined<Permission> {
  const value = plainPath(path).replace(/\{[^}/]*\}/g, '*')
  if (value === '/**') return { type: 'path', match: { type: 'prefix', value: '/' } }
  return { type: 'path', match: { type: value.includes('*') ? 'template' : 'exact', value } }
}

const special = /[.*+?^${}()|[\]\\]/g

/** Case does not count, a dot at the end changes nothing (RFC 1034, section 3.1), any port will do unless one is named. */
export function hostOf(host: string): Combined<Permission> {
  const [, name = host, port] = /^(.*?)(?::(\d+))?$/.exec(host) ?? []
  const text = name.startsWith('*.') ? `[^:]+${name.slice(1).replace(special, '\\$&')}` : name.replace(special, '\\$&')
  const tail = port === undefined ? '(:[0-9]+)?' : port === '80' ? '(:80)?' : `:${port}`
  return header({ name: ':authority', type: 'regex', value: `(?i)${text}\\.?${tail}` })
}

/**
 * That value and no other beside it. Envoys since 1.38 ask a condition of each value of a repeated field and take one that holds; those
 * before, and our proxy, ask it of all of them joined by commas: this holds for the same requests either way.
 */
export function onlyValue(name: string, value: string): Combined<Permission> {
  return allOf([exact(name, value), notOf(header({ name, type: 'regex', value: otherThan(value) }))])
}

/** A pattern for all texts but one: RE2 has no look-ahead. They end before it does, differ somewhere, or go on behind it. */
function otherThan(value: string): string {
  return [...value].reduceRight((rest, character) => {
    const hex = `\\x{${character.codePointAt(0)!.toString(16)}}`
    return `(?:[^${hex}].*|${hex}${rest})?`
  }, '.+')
}

/**
 * A repeated field is joined by commas (RFC 9110, section 5.3). What is allowed by a value needs that value alone; what is denied
 * by it is denied wherever it stands in the list.
 */
export function headerOf({ name, values }: AccessHeader, bias: Bias): Combined<Permission> {
  const field = name.toLowerCase()
  if (!values) return header({ name: field, type: 'present', value: '' })
  if (bias === 'least') return oneOf(values.map((value) => onlyValue(field, value)))
  const texts = values.map((value) => value.replace(special, '\\$&')).join('|')
  return header({ name: field, type: 'regex', value: `(.*,)?[ \\t]*(${texts})[ \\t]*(,.*)?` })
}

/** gRPC over HTTP/2 asks for POST and its content type; what is denied is denied however it is asked for. */
function grpcOf({ service, methods }: AccessGrpc, bias: Bias): Combined<Permission> {
  const path: Combined<Permission> = methods
    ? oneOf(methods.map((method) => ({ type: 'path', match: { type: 'exact', value: `/${service}/${method}` } })))
    : { type: 'path', match: { type: 'prefix', value: `/${service}/` } }
  if (bias === 'most') return path
  return allOf([
    path,
    exact(':method', 'POST'),
    header({ name: 'content-type', type: 'prefix', value: 'application/grpc' }),
  ])
}
