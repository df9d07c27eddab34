// cart: what somebody means to buy, kept in memory. The cart unused for longest makes room for a new one.
import { Refusal, serve } from './service.mjs'

const cartsMax = 1000
const itemsMax = 50
const carts = new Map()

function cartOf(user) {
  const items = carts.get(user) ?? []
  carts.delete(user)
  carts.set(user, items)
  if (carts.size > cartsMax) carts.delete(carts.keys().next().value)
  return items
}

const summary = (items) => ({ items, total: items.reduce((sum, item) => sum + item.price, 0) })

function add(_request, [user], item) {
  if (typeof item?.id !== 'string' || typeof item.price !== 'number') {
    throw new Refusal(400, 'an item is {"id": text, "price": number}')
  }
  const items = cartOf(user)
  if (items.length >= itemsMax) throw new Refusal(409, `a cart holds at most ${itemsMax} items`)
  items.push({ id: item.id, price: item.price })
  return summary(items)
}

function empty(_request, [user]) {
  carts.delete(user)
  return summary([])
}

const pattern = /^\/carts\/([\w-]{1,64})$/
serve([
  ['GET', pattern, (_request, [user]) => summary(cartOf(user))],
  ['POST', pattern, add],
  ['DELETE', pattern, empty],
])
