import assert from 'node:assert/strict'
import { test } from 'node:test'
import { looksLikeId, PathTree, pathTreeDefaults } from './path-tree.ts'

const shapeOf = (tree: PathTree, path: string, roomShare?: number): string | undefined =>
  tree.find(path, roomShare)?.shape

test('what looks like an id is folded, what looks like a name is not', () => {
  const ids = [
    '1',
    '90210',
    '0b5a3c1e-9f54-4a3e-8f4b-0c6f1d0e7a11',
    'deadbeef01',
    '01ARZ3NDEKTSV4RRFFQ69G5FAV',
    'order-1234',
    '2026-11-23',
    'ann%40example.org',
    'ann@example.org',
    'x'.repeat(65),
  ]
  const names = ['', 'v1', 'orders', '2fa', 'oauth2', 'well-known', 'reviews-v2', 'index.html', 'feedface', 'shop.Cart']
  for (const id of ids) assert.equal(looksLikeId(id), true, id)
  for (const name of names) assert.equal(looksLikeId(name), false, name)
})

test('paths that differ in ids have one shape, the same for each', () => {
  const tree = new PathTree()
  assert.equal(shapeOf(tree, '/orders/17/items/4'), '/orders/{id}/items/{id}')
  assert.equal(shapeOf(tree, '/orders/18/items/5'), '/orders/{id}/items/{id}')
  assert.equal(shapeOf(tree, '/orders/'), '/orders/')
  assert.equal(shapeOf(tree, '/orders'), '/orders')
  assert.equal(shapeOf(tree, '/'), '/')
  assert.equal(shapeOf(tree, '*'), '*')
  assert.equal(shapeOf(tree, ''), '')
  assert.equal(shapeOf(tree, 'db.example:5432'), '{id}')
  assert.equal(shapeOf(tree, '/orders/17?page=/2'), '/orders/{id}')
  assert.equal(shapeOf(tree, '/orders?'), '/orders')
  assert.equal(shapeOf(tree, '/?x=/y'), '/')
  assert.equal(tree.find('/orders/1'), tree.find('/orders/2?x'))
  assert.equal(shapeOf(tree, '/shop.Cart/AddItem'), '/shop.Cart/AddItem')
})

test('too many names in one place are taken for ids', () => {
  const tree = new PathTree({ ...pathTreeDefaults, childrenMax: 3 })
  for (const name of ['ann', 'bob', 'eve']) assert.equal(shapeOf(tree, `/users/${name}`), `/users/${name}`)
  assert.equal(shapeOf(tree, '/users/dan/mail'), '/users/{id}/mail')
  assert.equal(shapeOf(tree, '/users/zoe'), '/users/{id}')
  assert.equal(shapeOf(tree, '/users/ann'), '/users/ann')
})

test('a million different paths keep to the bound', () => {
  const tree = new PathTree({ nodesMax: 50, childrenMax: 10, depthMax: 4 })
  const shapes = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const letters = [...i.toString(26)].map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 26)))
    shapes.add(shapeOf(tree, `/${letters.join('/')}/end`)!)
  }
  assert.ok(tree.size <= 50)
  assert.ok(shapes.size <= 150, String(shapes.size))
  assert.ok([...shapes].some((shape) => shape.endsWith('/**')))
})

test('without room only what is known has a shape', () => {
  const tree = new PathTree()
  shapeOf(tree, '/orders/1')
  assert.equal(shapeOf(tree, '/orders/2', 0), '/orders/{id}')
  assert.equal(shapeOf(tree, '/wp-admin', 0), undefined)
  assert.equal(tree.size, 2)
})
