/** Tar archives that are the same bytes for the same files: POSIX ustar, time 0, root's, in order of path. */

export interface TarFile {
  /** Relative, with `/`; at most 255 bytes, its last part at most 100. Folders need no entry. */
  path: string
  content: Buffer
  /** Permission bits; 0o644 when absent. */
  mode?: number
  /** A symbolic link to this, with no content. */
  link?: string
}

const block = 512

/** @throws Error when a path is too long for ustar. */
export function tar(files: readonly TarFile[]): Buffer {
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : 1))
  const folders = new Set(sorted.flatMap(({ path }) => parents(path)))
  const parts: Buffer[] = [...folders]
    .sort()
    .map((path) => header({ path: `${path}/`, mode: 0o755, size: 0, type: '5' }))
  for (const { path, content, mode = 0o644, link } of sorted) {
    parts.push(header({ path, mode, size: content.length, type: link === undefined ? '0' : '2', link }), content)
    parts.push(Buffer.alloc((block - (content.length % block)) % block))
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}

function parents(path: string): string[] {
  const names = path.split('/').slice(0, -1)
  return names.map((_, index) => names.slice(0, index + 1).join('/'))
}

interface Header {
  path: string
  mode: number
  size: number
  type: '0' | '2' | '5'
  link?: string | undefined
}

/** POSIX.1-1988, ustar: the checksum counts its own field as blanks. */
function header({ path, mode, size, type, link = '' }: Header): Buffer {
  const bytes = Buffer.alloc(block)
  const { name, prefix } = splitPath(path)
  bytes.write(name, 0)
  bytes.write(octal(mode, 7), 100)
  bytes.write(octal(0, 7), 108)
  bytes.write(octal(0, 7), 116)
  bytes.write(octal(size, 11), 124)
  bytes.write(octal(0, 11), 136)
  bytes.write('        ', 148)
  bytes.write(type, 156)
  bytes.write(link, 157, 100)
  bytes.write('ustar\x0000', 257, 'latin1')
  bytes.write(prefix, 345)
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return bytes
}

const octal = (value: number, digits: number): string => value.toString(8).padStart(digits, '0')

function splitPath(path: string): { name: string; prefix: string } {
  if (Buffer.byteLength(path) <= 100) return { name: path, prefix: '' }
  for (let at = path.indexOf('/'); at !== -1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)]
    if (name !== '' && Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(name) <= 100) return { name, prefix }
  }
  throw new Error(`the path ${path} is too long for a tar archive`)
}
