// Calls every other program in its protocol and tells what came back: one line a protocol, or JSON for programs.
import { createServer } from 'node:http'
import { calls } from './calls.mjs'

const { HOST, PORT } = process.env

createServer(async (request, response) => {
  const answers = {}
  await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      answers[name] = await call().catch((error) => `failed: ${error.message}`)
    }),
  )
  const names = Object.keys(calls)
  const isJson = request.headers.accept === 'application/json'
  response.setHeader('content-type', isJson ? 'application/json' : 'text/plain')
  response.end(isJson ? JSON.stringify(answers) : names.map((name) => `${name.padEnd(14)} ${answers[name]}\n`).join(''))
}).listen(Number(PORT), HOST)
