// Answers with a greeting.
import { createServer } from 'node:http'

const { PORT = '8080', HOST = '0.0.0.0', GREETING = 'Hello', POD_NAME = 'greeting' } = process.env

const server = createServer((_request, response) => {
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  response.setHeader('x-answered-by', POD_NAME)
  response.end(`${GREETING}, world\n`)
})
server.listen(Number(PORT), HOST)
process.once('SIGTERM', () => server.close())
