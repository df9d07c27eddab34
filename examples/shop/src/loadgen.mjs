// loadgen: keeps a few requests a second flowing through the shop, and says every ten seconds how they went.
const { TARGET = 'http://storefront', RATE = '5' } = process.env
const periodMs = 1000 / Math.min(100, Math.max(0.1, Number(RATE) || 5))
const inFlightMax = 20
const paths = ['/api/products', '/api/products/blanket', '/api/products/scarf', '/api/products/rug', '/api/cart']

let counts = { ok: 0, failed: 0, left: 0 }
let versions = {}
let inFlight = 0
let turn = 0

async function ask() {
  const path = paths[turn++ % paths.length]
  if (inFlight >= inFlightMax) return void counts.left++
  inFlight++
  try {
    const headers = { 'x-visitor': 'loadgen' }
    const answer = await fetch(TARGET + path, { headers, signal: AbortSignal.timeout(5000) })
    if (!answer.ok) throw new Error(`status ${answer.status}: ${(await answer.text()).trim()}`)
    const { reviews } = await answer.json()
    counts.ok++
    if (reviews) versions[reviews.version] = (versions[reviews.version] ?? 0) + 1
  } catch (error) {
    counts.failed++
    console.error(`GET ${path}: ${error.cause?.message ?? error.message}`)
  } finally {
    inFlight--
  }
}

function report() {
  console.log(JSON.stringify({ ...counts, versions }))
  counts = { ok: 0, failed: 0, left: 0 }
  versions = {}
}

/** Nothing is counted before the shop has opened. */
async function hasOpened() {
  try {
    return (await fetch(`${TARGET}${paths[0]}`, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false
  }
}

let isEnding = false
const timers = []
process.once('SIGTERM', () => {
  isEnding = true
  timers.forEach(clearInterval)
})
while (!isEnding && !(await hasOpened())) await new Promise((resolve) => setTimeout(resolve, 500))
if (!isEnding) timers.push(setInterval(ask, periodMs), setInterval(report, 10_000))
