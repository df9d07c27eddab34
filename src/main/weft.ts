/** The command line: `./weft`, and `weft` in an image. */
import { hasColor } from '#/cli/output/color.ts'
import { runCommandLine } from '#/cli/program.ts'

const { stdout, stderr, env } = process

// A reader that went away (`weft lint … | head`) is no fault; `weft up` ends its mesh then.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  })
}

const code = await runCommandLine(process.argv.slice(2), {
  environment: env,
  folder: process.cwd(),
  output: {
    write: (text) => void stdout.write(text),
    isTerminal: stdout.isTTY === true,
    columns: stdout.columns || 100,
    hasColor: hasColor(stdout.isTTY === true, env),
  },
  errors: {
    write: (text) => void stderr.write(text),
    isTerminal: stderr.isTTY === true,
    hasColor: hasColor(stderr.isTTY === true, env),
  },
})

// Not `process.exit`: what is still on its way to a pipe would be lost.
process.exitCode = code
