// Passes on what it is asked, badge and all. It knows nothing of the mesh: `http_proxy` leads its calls there.
import { createServer } from 'node:http'

const { PORT = '8080', HOST = '0.0.0.0' } = process.env

async function answer(request, response) {
  const badge = request.headers['x-badge']
  try {
    const headers = badge ? { 'x-badge': badge } : {}
    const orders = await fetch('http://orders/', { method: request.method, headers, signal: AbortSignal.timeout(2000) })
    response.writeHead(orders.status, { 'content-type': 'text/plain; charset=utf-8' }).end(await orders.text())
  } catch (error) {
    response.writeHead(502).end(`orders did not answer: ${error.message}\n`)
  }
}

const server = createServer(answer)
server.listen(Number(PORT), HOST)
process.once('SIGTERM', () => server.close())
