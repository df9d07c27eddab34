// TCP in which the server speaks first, as MySQL, SMTP, FTP and SSH do. When the client has said all, the sum follows.
import { createServer } from 'node:net'

const { HOST, PORT, HOSTNAME } = process.env

createServer({ allowHalfOpen: true }, (socket) => {
  socket.write(`ledger ${HOSTNAME} ready\n`)
  let text = ''
  socket.setEncoding('utf8')
  socket.on('data', (part) => (text += part))
  socket.on('end', () => {
    const numbers = text.split('\n').filter(Boolean).map(Number)
    socket.end(`sum ${numbers.reduce((sum, one) => sum + one, 0)}\n`)
  })
  socket.on('error', () => socket.destroy())
}).listen(Number(PORT), HOST)
