/**
 * Huffman decoding of HPACK strings (RFC 7541 section 5.2) by a machine that takes four bits a step: a state is a node of
 * the code tree, a row of 16 holds for each nibble the next state, the symbol that came whole on the way, if any, and
 * whether the string may end there.
 */
import { huffmanLengths } from './tables.ts'

const endOfString = 256
/** Bits 0..8 next state, 9 a symbol was emitted, 10..17 the symbol, 18 may end here, 19 fault. */
const emitBit = 1 << 9
const acceptBit = 1 << 18
const faultBit = 1 << 19

interface TreeNode {
  children: [TreeNode | undefined, TreeNode | undefined]
  symbol: number
  id: number
  /** The path from the root is all ones and shorter than 8 bits: what may pad a string. */
  isPadding: boolean
}

function newNode(isPadding: boolean): TreeNode {
  return { children: [undefined, undefined], symbol: -1, id: -1, isPadding }
}

/** Codes in canonical order: by length, then by symbol. */
export function huffmanCodes(): { code: number; length: number }[] {
  const symbols = huffmanLengths
    .map((length, symbol) => ({ length, symbol }))
    .sort((a, b) => a.length - b.length || a.symbol - b.symbol)
  const codes: { code: number; length: number }[] = []
  let code = 0
  let previous = symbols[0]!.length
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - previous)
    codes[symbol] = { code, length }
    previous = length
    code++
  }
  return codes
}

function buildTree(): TreeNode[] {
  const root = newNode(true)
  huffmanCodes().forEach(({ code, length }, symbol) => {
    let node = root
    for (let bit = length - 1; bit >= 0; bit--) {
      const one = Math.floor(code / 2 ** bit) % 2 === 1 ? 1 : 0
      node = node.children[one] ??= newNode(node.isPadding && one === 1 && length - bit < 8)
    }
    node.symbol = symbol
  })
  const inner: TreeNode[] = []
  const visit = (node: TreeNode): void => {
    if (node.symbol >= 0) return
    node.id = inner.length
    inner.push(node)
    for (const child of node.children) if (child) visit(child)
  }
  visit(root)
  return inner
}

function buildMachine(): Int32Array {
  const nodes = buildTree()
  const machine = new Int32Array(nodes.length * 16)
  for (const start of nodes) {
    for (let nibble = 0; nibble < 16; nibble++) machine[start.id * 16 + nibble] = step(nodes[0]!, start, nibble)
  }
  return machine
}

function step(root: TreeNode, start: TreeNode, nibble: number): number {
  let node = start
  let emitted = 0
  for (let bit = 3; bit >= 0; bit--) {
    const next = node.children[((nibble >> bit) & 1) as 0 | 1]
    if (!next || next.symbol === endOfString) return faultBit
    if (next.symbol >= 0) {
      emitted = emitBit | (next.symbol << 10)
      node = root
    } else node = next
  }
  return node.id | emitted | (node.isPadding ? acceptBit : 0)
}

let machine: Int32Array | undefined

/** Codes have five bits at least, so a string grows to 8/5 of its length at most. */
let symbols = Buffer.allocUnsafeSlow(8192)

/** Decodes `bytes[start..end)`. @returns undefined for a string that RFC 7541 section 5.2 forbids. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  machine ??= buildMachine()
  const table = machine
  if ((end - start) * 2 > symbols.length) symbols = Buffer.allocUnsafeSlow((end - start) * 2)
  let used = 0
  let entry = acceptBit
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    entry = table[(entry & 0x1ff) * 16 + (byte >> 4)]!
    if (entry & faultBit) return undefined
    if (entry & emitBit) symbols[used++] = (entry >> 10) & 0xff
    entry = table[(entry & 0x1ff) * 16 + (byte & 15)]!
    if (entry & faultBit) return undefined
    if (entry & emitBit) symbols[used++] = (entry >> 10) & 0xff
  }
  return entry & acceptBit ? symbols.toString('latin1', 0, used) : undefined
}
