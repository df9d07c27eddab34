/** Request heads for tests: what matters in a test is written there, the rest is a plain GET. */
import type { RequestHead } from '#/codec/message.ts'

export function requestHead(given: Partial<RequestHead> = {}): RequestHead {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'reviews.shop',
    path: '/',
    headers: [],
    version: 'HTTP/1.1',
    bodyLength: 0,
    upgrade: '',
    expectsContinue: false,
    isAbsolute: false,
    ...given,
  }
}
