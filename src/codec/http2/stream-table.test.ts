import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '#/std/random.ts'
import { StreamTable } from './stream-table.ts'

test('holds what a Map would, whatever comes and goes', () => {
  const seed = 20_261_123
  const random = seededRandom(seed)
  const table = new StreamTable<{ id: number }>()
  const model = new Map<number, { id: number }>()
  let nextId = 1
  for (let step = 0; step < 20_000; step++) {
    const ids = [...model.keys()]
    // Now many, now few, so that it grows and its chains are cut at every place.
    const isAdding = ids.length === 0 || random() < (step % 4000 < 2000 ? 0.6 : 0.4)
    if (isAdding) {
      const stream = { id: nextId }
      nextId += 2 * (1 + Math.floor(random() * 40))
      table.add(stream)
      model.set(stream.id, stream)
    } else {
      const id = ids[Math.floor(random() * ids.length)]!
      assert.equal(table.delete(id), model.delete(id), `seed ${seed}, step ${step}`)
      assert.equal(table.delete(id), false, `seed ${seed}, step ${step}`)
    }
    const probe = 1 + 2 * Math.floor(random() * (nextId / 2))
    assert.equal(table.get(probe), model.get(probe), `seed ${seed}, step ${step}`)
    assert.equal(table.size, model.size)
  }
  const sorted = (streams: Iterable<{ id: number }>): number[] => [...streams].map(({ id }) => id).sort((a, b) => a - b)
  assert.deepEqual(sorted(table.list()), sorted(model.values()))
})
