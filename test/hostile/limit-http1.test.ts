/**
 * Each limit on what a client of HTTP/1.1 controls, by the name of the attack: with a tight setting it is refused by the right
 * status and counted, and the next connection is served; with the setting that stands by default the same is none.
 */
import { type Attack, runAttacks } from './attack.ts'
import { RawClient } from './raw-client.ts'

const head = 'POST /a HTTP/1.1\r\nhost: echo.shop\r\n'
const many = Array.from({ length: 20 }, (_, i) => `x-${i}: y\r\n`).join('')

const http1: Attack<RawClient>[] = [
  {
    name: 'a request line that is too long',
    refused: '414 request_line_too_long',
    counted: 'request_line_too_long',
    begin: (client) => client.write(`GET /${'a'.repeat(200)} HTTP/1.1\r\nhost: echo.shop\r\n\r\n`),
    taken: '200',
  },
  {
    name: 'too many header bytes',
    refused: '431 request_headers_too_large',
    counted: 'request_headers_too_large',
    begin: (client) => client.write(`${head}x: ${'a'.repeat(2000)}\r\n\r\n`),
    taken: '200',
  },
  {
    name: 'too many header fields',
    refused: '431 request_headers_too_large',
    counted: 'request_headers_too_large',
    begin: (client) => client.write(`${head}${many}\r\n`),
    taken: '200',
  },
  {
    name: 'too many trailers',
    refused: '431 request_headers_too_large',
    counted: 'request_headers_too_large',
    begin: (client) => client.write(`${head}transfer-encoding: chunked\r\n\r\n0\r\n${many}\r\n`),
    taken: '200',
  },
  {
    name: 'chunk extensions that cost more than the chunks',
    refused: '400 bad_request',
    counted: 'bad_request',
    begin: (client) =>
      client.write(`${head}transfer-encoding: chunked\r\n\r\n${'1;a=bcdefgh\r\nx\r\n'.repeat(5)}0\r\n\r\n`),
    taken: '200',
  },
  {
    name: 'a slow header (slowloris)',
    refused: '408 request_header_timeout',
    counted: 'request_header_timeout',
    begin: (client) => client.write('GET / HTTP/1.1\r\nhost: ec'),
    finish: (client) => client.write('ho.shop\r\n\r\n'),
    taken: '200',
  },
  {
    name: 'a preface that is never whole',
    refused: 'closed',
    counted: 'request_header_timeout',
    begin: (client) => client.write('PRI'),
    finish: (client) => client.write('NT / HTTP/1.1\r\nhost: echo.shop\r\n\r\n'),
    taken: '200',
  },
  {
    name: 'a slow body',
    refused: '408 client_stalled',
    counted: 'client_stalled',
    begin: (client) => client.write(`${head}content-length: 5\r\n\r\nhe`),
    finish: (client) => client.write('llo'),
    taken: '200',
  },
  {
    name: 'a slow body in chunks',
    refused: '408 client_stalled',
    counted: 'client_stalled',
    begin: (client) => client.write(`${head}transfer-encoding: chunked\r\n\r\n5\r\nhe`),
    finish: (client) => client.write('llo\r\n0\r\n\r\n'),
    taken: '200',
  },
  {
    name: 'an idle connection',
    refused: 'closed',
    counted: 'idle',
    begin: () => undefined,
    finish: (client) => client.write('GET / HTTP/1.1\r\nhost: echo.shop\r\n\r\n'),
    taken: '200',
  },
]

runAttacks('HTTP/1.1', http1, RawClient.open.bind(RawClient))
