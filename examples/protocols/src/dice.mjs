// Datagrams: one comes, one goes back.
import { createSocket } from 'node:dgram'

const { HOST, PORT } = process.env
const socket = createSocket('udp4')
socket.on('message', (message, { port, address }) => socket.send(`${message}: ${message.length}`, port, address))
socket.bind(Number(PORT), HOST)
