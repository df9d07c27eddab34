// An HTTP/2 server without TLS.
import { createServer } from 'node:http2'

const { HOST, PORT } = process.env
createServer((request, response) => {
  response.setHeader('x-version', request.httpVersion)
  response.end(`hello ${request.url}\n`)
}).listen(Number(PORT), HOST)
