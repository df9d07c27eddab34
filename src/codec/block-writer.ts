/** Writes blocks to a socket. Those that the system does not take at once go back to the pool when it has. */
import type { Socket } from 'node:net'
import { giveBlock } from './block-pool.ts'

/** To be told of the end of a write costs half a microsecond, and of so little nearly all is taken at once. */
const untoldBytesMax = 16_384

export class BlockWriter {
  readonly #socket: Socket
  /** TLS takes bytes later. */
  readonly #isSlowToTake: boolean
  /** In the order of their writes; nothing in the place of one that the system took at once. */
  readonly #pending: (Buffer | undefined)[] = []
  readonly #done = (): void => {
    const block = this.#pending.shift()
    if (block !== undefined) giveBlock(block)
  }

  constructor(socket: Socket) {
    this.#socket = socket
    this.#isSlowToTake = 'encrypted' in socket
  }

  /**
   * Writes the first bytes of a block.
   * @returns true when the system took them all, so that the block is the caller's again; else it goes back when it has, or is
   * left to the collector.
   */
  write(block: Buffer, bytes: number): boolean {
    const socket = this.#socket
    const chunk = block.subarray(0, bytes)
    if (bytes <= untoldBytesMax && !this.#isSlowToTake) {
      socket.write(chunk)
      return socket.writableLength === 0 && !socket.destroyed
    }
    // Called behind this whatever happens; a socket that is destroyed by then has closed its handle and reads no more of the block.
    socket.write(chunk, this.#done)
    const isTaken = socket.writableLength === 0 && !socket.destroyed
    this.#pending.push(isTaken ? undefined : block)
    return isTaken
  }
}
