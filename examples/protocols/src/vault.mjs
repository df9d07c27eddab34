// TLS of its own: it alone has the key, the mesh can't read what goes in and out.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:tls'

const { HOST, PORT, YARN } = process.env
const pem = readFileSync(new URL(`../vault/${YARN}.pem`, import.meta.url))

const server = createServer({ key: pem, cert: pem }, (socket) => {
  socket.on('error', () => socket.destroy())
  socket.end(`${YARN}, asked for as ${socket.servername}\n`)
})
server.on('tlsClientError', () => {
  // The readiness probe opens a connection and says nothing.
})
server.listen(Number(PORT), HOST)
