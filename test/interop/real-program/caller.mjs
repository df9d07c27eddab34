// A workload that only lends its name: it tells where Kubernetes' variables say that the services are.
import { createServer } from 'node:http'

const { HOST, PORT } = process.env
createServer((_request, response) => response.end(JSON.stringify(process.env))).listen(Number(PORT), HOST)
