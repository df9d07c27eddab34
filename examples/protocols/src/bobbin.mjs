// HTTP/2 without TLS, and nothing but HTTP/2.
import { createServer } from 'node:http2'

const { HOST, PORT } = process.env
createServer((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  response.write(`HTTP/${request.httpVersion} ${request.url}`)
  response.addTrailers({ 'x-length-metres': '120' })
  response.end()
}).listen(Number(PORT), HOST)
