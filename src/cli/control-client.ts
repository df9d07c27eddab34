/** Finds the control plane and asks it. */
import { isAbsolute, relative } from 'node:path'
import { findRunningMeshes, stateRoot } from '#/up/state-folder.ts'
import { CommandError, type Invocation, type Surroundings } from './command.ts'

const timeoutMs = 5000

export interface ControlClient {
  /** URL of the HTTP API. */
  url: string
  /** @throws CommandError 3 when it does not answer, 1 when it refuses. */
  get<T>(path: string): Promise<T>
  /** @returns why it was refused, or what was answered. @throws CommandError 3 when it does not answer. */
  post<T>(path: string): Promise<PostOutcome<T>>
}

export type PostOutcome<T> = { ok: true; value: T } | { ok: false; reason: string }

/** `--control`, else WEFT_CONTROL, else the one mesh that `weft up` runs on this machine. */
export function controlClient(invocation: Invocation, surroundings: Surroundings): ControlClient {
  const given = invocation.option('control')
  const url = given ? readUrl(given, '--control') : findControl(surroundings)
  return { url, get: (path) => getJson(url, path), post: (path) => postJson(url, path) }
}

function findControl({ environment, folder }: Surroundings): string {
  if (environment.WEFT_CONTROL) return readUrl(environment.WEFT_CONTROL, 'WEFT_CONTROL')
  const meshes = findRunningMeshes(stateRoot(environment))
  const here = meshes.filter(({ directory }) => isWithin(directory, folder) || isWithin(folder, directory))
  const chosen = meshes.length === 1 ? meshes : here
  if (chosen.length === 1) return chosen[0]!.api
  if (meshes.length === 0) {
    throw new CommandError(
      3,
      'no control plane is known here',
      'Start a mesh with `weft up DIR`, or name a control plane with --control URL or WEFT_CONTROL.',
    )
  }
  const lines = meshes.map(({ directory, api }) => `  --control ${api}   ${directory}`)
  throw new CommandError(2, 'several meshes run here; say which one is meant:', lines.join('\n'))
}

function isWithin(folder: string, inner: string): boolean {
  const path = relative(folder, inner)
  return !path.startsWith('..') && !isAbsolute(path)
}

/** `host:port` will do for a URL. */
function readUrl(text: string, origin: string): string {
  const url = URL.parse(/^https?:\/\//.test(text) ? text : `http://${text}`)
  if (!url?.hostname) throw new CommandError(2, `${origin} ${text}: expected a URL like http://127.0.0.1:15080`)
  return url.origin
}

async function postJson<T>(url: string, path: string): Promise<PostOutcome<T>> {
  const response = await send(url, path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{}',
  })
  const text = await response.text()
  if (response.ok) return { ok: true, value: JSON.parse(text) as T }
  return { ok: false, reason: reasonOf(text) }
}

/** Errors of the API are `{"error":"…"}`. */
function reasonOf(text: string): string {
  try {
    return String((JSON.parse(text) as { error?: unknown }).error ?? text)
  } catch (error) {
    if (error instanceof SyntaxError) return text.trim()
    throw error
  }
}

/** @throws CommandError 3 when nobody answers there, 1 when the answer is an error. */
export async function getJson<T>(url: string, path: string): Promise<T> {
  const response = await send(url, path)
  const text = await response.text()
  if (!response.ok) throw new CommandError(1, `${url}${path} answered ${response.status}: ${text.trim()}`)
  return JSON.parse(text) as T
}

async function send(url: string, path: string, init: RequestInit = {}): Promise<Response> {
  try {
    return await fetch(url + path, { ...init, signal: AbortSignal.timeout(timeoutMs) })
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CommandError(3, `${url} can't be reached: ${reason}`, 'Does it run, and is the address right?')
  }
}
