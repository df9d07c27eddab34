// Knows who asks from the one header that nobody but the doorkeeper can write.
import { createServer } from 'node:http'

const { PORT = '8080', HOST = '0.0.0.0' } = process.env

const server = createServer((request, response) => {
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.end(`orders of ${request.headers['x-person'] ?? 'nobody'}\n`)
})
server.listen(Number(PORT), HOST)
process.once('SIGTERM', () => server.close())
