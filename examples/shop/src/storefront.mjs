// storefront: the page that people see, and the little API behind it. It calls catalog, reviews and cart by name.
import { readFileSync } from 'node:fs'
import { call, serve } from './service.mjs'

const page = readFileSync(new URL('./storefront.html', import.meta.url), 'utf8')
const visitor = (request) =>
  /^[\w-]{1,64}$/.test(request.headers['x-visitor'] ?? '') ? request.headers['x-visitor'] : 'guest'

async function product(request, [id]) {
  const [about, reviews] = await Promise.all([
    call(request, `http://catalog/products/${id}`),
    call(request, `http://reviews/reviews/${id}`),
  ])
  return { ...about, reviews }
}

const cartUrl = (request) => `http://cart/carts/${visitor(request)}`

async function addToCart(request, [id]) {
  const { price } = await call(request, `http://catalog/products/${id}`)
  return call(request, cartUrl(request), { method: 'POST', body: { id, price } })
}

serve([
  ['GET', /^\/$/, () => page],
  ['GET', /^\/api\/products$/, (request) => call(request, 'http://catalog/products')],
  ['GET', /^\/api\/products\/([a-z-]+)$/, product],
  ['GET', /^\/api\/cart$/, (request) => call(request, cartUrl(request))],
  ['POST', /^\/api\/cart\/([a-z-]+)$/, addToCart],
  ['DELETE', /^\/api\/cart$/, (request) => call(request, cartUrl(request), { method: 'DELETE' })],
])
