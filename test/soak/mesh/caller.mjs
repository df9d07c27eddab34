// Lends its sidecar to the soak, and tells where Kubernetes' variables say that the server's ports are.
import { createServer } from 'node:http'

const { HOST, PORT } = process.env
createServer((_request, response) => response.end(JSON.stringify(process.env))).listen(Number(PORT), HOST)
