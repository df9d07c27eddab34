/** SETTINGS (RFC 9113 section 6.5): what a peer asks of us. */
import { errorCodes, frameBytesMax, Http2Fault, settingIds, windowBytesMax } from './frame.ts'

/** What the peer allows; as RFC 9113 section 6.5.2 presets it. */
export class PeerSettings {
  headerTableBytes = 4096
  mayPush = true
  /** Streams that we may have open at a time. Until the peer has said it, what it should allow (RFC 9113 section 6.5.2). */
  streamsMax = 100
  windowBytes = 65_535
  frameBytes = frameBytesMax
  headerListBytes = Number.POSITIVE_INFINITY
  /** Extended CONNECT (RFC 8441). */
  takesConnectProtocol = false

  /** It has said what it allows. */
  isKnown = false

  /** @throws Http2Fault for what RFC 9113 forbids. Unknown settings are passed over. */
  apply(payload: Buffer): void {
    if (payload.length % 6 !== 0) throw new Http2Fault(errorCodes.frameSizeError, 'SETTINGS is cut short')
    if (!this.isKnown) {
      this.isKnown = true
      this.streamsMax = Number.POSITIVE_INFINITY
    }
    for (let at = 0; at < payload.length; at += 6) this.#set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2))
  }

  #set(id: number, value: number): void {
    switch (id) {
      case settingIds.headerTableSize:
        this.headerTableBytes = value
        break
      case settingIds.enablePush:
        this.mayPush = booleanOf(value, 'ENABLE_PUSH')
        break
      case settingIds.maxConcurrentStreams:
        this.streamsMax = value
        break
      case settingIds.initialWindowSize:
        if (value > windowBytesMax)
          throw new Http2Fault(errorCodes.flowControlError, 'INITIAL_WINDOW_SIZE is too large')
        this.windowBytes = value
        break
      case settingIds.maxFrameSize:
        if (value < frameBytesMax || value > 0xffffff) {
          throw new Http2Fault(errorCodes.protocolError, `MAX_FRAME_SIZE is ${value}`)
        }
        // Larger frames would only make others wait for longer.
        this.frameBytes = frameBytesMax
        break
      case settingIds.maxHeaderListSize:
        this.headerListBytes = value
        break
      case settingIds.enableConnectProtocol:
        this.takesConnectProtocol = booleanOf(value, 'ENABLE_CONNECT_PROTOCOL')
        break
    }
  }
}

function booleanOf(value: number, name: string): boolean {
  if (value > 1) throw new Http2Fault(errorCodes.protocolError, `${name} is ${value}`)
  return value === 1
}
