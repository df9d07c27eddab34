/** The key by which `weft up` signs tokens and its control plane checks them: 32 random octets in a file for nobody else. */
import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const keyBytes = 32

/** Whoever comes first makes it. @throws when the file holds something else. */
export function openTokenKey(path: string): Uint8Array {
  if (!existsSync(path)) makeKey(path)
  const key = Buffer.from(readFileSync(path, 'latin1').trim(), 'base64')
  if (key.length !== keyBytes) throw new Error(`${path} holds no key of ${keyBytes} octets`)
  return key
}

/** By a link, which fails where the file is: of two that start together, one key stays. */
function makeKey(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, `${randomBytes(keyBytes).toString('base64')}\n`, { mode: 0o600 })
  try {
    linkSync(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(temporary)
  }
}
