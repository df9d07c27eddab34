// catalog: what the shop sells. `colors` and `weave` tell the page how to draw a product.
import { Refusal, serve } from './service.mjs'

const products = [
  { id: 'blanket', name: 'Wool blanket', price: 129, weave: 'twill', colors: ['#31485c', '#c9a66b'] },
  { id: 'towel', name: 'Linen towel', price: 24, weave: 'plain', colors: ['#e9e2d5', '#a33b2f'] },
  { id: 'scarf', name: 'Cotton scarf', price: 39, weave: 'check', colors: ['#7d2e46', '#e7b7a0'] },
  { id: 'rug', name: 'Jute rug', price: 210, weave: 'basket', colors: ['#a98b5d', '#5d4a2e'] },
  { id: 'cushion', name: 'Silk cushion', price: 58, weave: 'satin', colors: ['#1f5f5b', '#8fc1a9'] },
  { id: 'throw', name: 'Mohair throw', price: 96, weave: 'check', colors: ['#4b5d3a', '#d8c27a'] },
]

serve([
  ['GET', /^\/products$/, () => ({ products })],
  [
    'GET',
    /^\/products\/([a-z-]+)$/,
    (_request, [id]) => {
      const product = products.find((one) => one.id === id)
      if (!product) throw new Refusal(404, `there is no product ${id}`)
      return product
    },
  ],
])
