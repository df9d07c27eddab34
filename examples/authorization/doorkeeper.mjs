// Is asked about each request by its own method and path: 200 lets it pass, anything else below 500 is what the client gets.
import { createServer } from 'node:http'

const { PORT = '8080', HOST = '0.0.0.0' } = process.env
const people = new Map([
  ['7', 'ann'],
  ['8', 'bob'],
])

const server = createServer((request, response) => {
  const person = people.get(request.headers['x-badge'])
  if (!person) response.writeHead(401, { 'content-type': 'text/plain' }).end('no badge, no orders\n')
  else if (request.method !== 'GET' && person !== 'ann') response.writeHead(403).end(`${person} may only look\n`)
  else response.writeHead(200, { 'x-person': person }).end()
})
server.listen(Number(PORT), HOST)
process.once('SIGTERM', () => server.close())
