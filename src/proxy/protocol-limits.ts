/** Limits of the codecs, each by a setting. */
import type { Http1Limits } from '#/codec/http1/limits.ts'
import type { Http2Limits } from '#/codec/http2/limits.ts'
import type { ProxySettings } from '#/config/proxy-settings.ts'

export function http1Limits(settings: ProxySettings): Http1Limits {
  return {
    requestLineBytesMax: settings.requestLineBytesMax,
    headerBytesMax: settings.headerBytesMax,
    headerCountMax: settings.headerCountMax,
    chunkExtensionBytesMax: settings.chunkExtensionBytesMax,
    pipelinedBytesMax: settings.pipelinedBytesMax,
    informationalCountMax: settings.informationalCountMax,
    discardBytesMax: settings.discardBytesMax,
    outputBytesMax: settings.outputBytesMax,
    headerTimeoutMs: settings.requestHeaderTimeoutMs,
    idleTimeoutMs: settings.clientIdleMs,
    stallTimeoutMs: settings.clientStallMs,
    lingerTimeoutMs: settings.lingerMs,
  }
}

/** Of clients; an endpoint is asked for as many streams as `streamsPerConnectionMax` says. */
export function http2Limits(settings: ProxySettings): Http2Limits {
  return {
    streamsMax: settings.streamsPerClientMax,
    headerBytesMax: settings.headerBytesMax,
    headerCountMax: settings.headerCountMax,
    requestLineBytesMax: settings.requestLineBytesMax,
    headerTableBytesMax: settings.headerTableBytes,
    streamWindowBytes: settings.streamWindowBytes,
    streamWindowBytesMax: Math.max(settings.streamWindowBytes, settings.streamWindowBytesMax),
    bufferedBytesMax: settings.connectionWindowBytes,
    outputBytesMax: settings.outputBytesMax,
    queueBytesMax: settings.queueBytesMax,
    informationalCountMax: settings.informationalCountMax,
    resetBurstMax: settings.resetBurstMax,
    resetsPerSecondMax: settings.resetsPerSecondMax,
    idleFrameBurstMax: settings.idleFrameBurstMax,
    idleFramesPerSecondMax: settings.idleFramesPerSecondMax,
    continuationCountMax: settings.continuationCountMax,
    headerTimeoutMs: settings.requestHeaderTimeoutMs,
    settingsTimeoutMs: settings.settingsTimeoutMs,
    idleTimeoutMs: settings.clientIdleMs,
    keepaliveMs: settings.keepaliveMs,
    stallTimeoutMs: settings.clientStallMs,
    lingerTimeoutMs: settings.lingerMs,
  }
}
