/** Loaded before the proxy's program, in each of its threads: SIGUSR2 ends the first event loop as a fault of it would. */
import { BroadcastChannel, isMainThread, threadId } from 'node:worker_threads'

const channel = new BroadcastChannel('loop-killer')
channel.unref()
/** Threads count from 0, which is the main thread. Who takes the first loop's place has another number. */
const first = 1

if (isMainThread) process.on('SIGUSR2', () => channel.postMessage('end'))
else if (threadId === first) channel.onmessage = () => process.exit(7)
