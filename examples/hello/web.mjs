// Asks greeting for a greeting and passes it on. It knows nothing of the mesh: `http_proxy` leads its calls there.
import { createServer } from 'node:http'

const { PORT = '8080', HOST = '0.0.0.0' } = process.env

async function answer(request, response) {
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  if (request.url === '/healthz') return response.end('ok\n')
  try {
    const greeting = await fetch('http://greeting/', { signal: AbortSignal.timeout(2000) })
    response.statusCode = greeting.ok ? 200 : 502
    response.end(`web says: ${await greeting.text()}`)
  } catch (error) {
    response.statusCode = 502
    response.end(`greeting did not answer: ${error.message}\n`)
  }
}

const server = createServer(answer)
server.listen(Number(PORT), HOST)
process.once('SIGTERM', () => server.close())
