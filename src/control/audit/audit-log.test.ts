import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { Log } from '#/std/log.ts'
import type { AuditEntry } from './audit-entry.ts'
import { AuditLog } from './audit-log.ts'

const folder = mkdtempSync(join(tmpdir(), 'weft-audit-'))
after(() => rmSync(folder, { recursive: true }))
const log = new Log({ component: 'test', sink: { write: () => undefined } })
const startMs = Date.UTC(2026, 10, 23)
const entry = (i: number): AuditEntry => ({ type: 'start', at: new Date(startMs + i * 1000).toISOString(), objects: i })
const numbers = (entries: AuditEntry[]): unknown[] => entries.map((one) => one.type === 'start' && one.objects)

test('tells the newest first, since a time, and no more than asked for, with a folder or without', async () => {
  for (const options of [{ log }, { log, folder: join(folder, 'order') }]) {
    const audit = new AuditLog(options)
    for (let i = 0; i < 10; i++) audit.append([entry(i)])
    assert.deepEqual(numbers(await audit.read({ fromMs: startMs + 6000, max: 100 })), [9, 8, 7, 6])
    assert.deepEqual(numbers(await audit.read({ fromMs: 0, max: 2 })), [9, 8])
  }
})

test('files take turns, so that they never grow without end', async () => {
  const path = join(folder, 'turns')
  const audit = new AuditLog({ log, folder: path, fileBytesMax: 500, filesMax: 3 })
  for (let i = 0; i < 100; i++) {
    audit.append([entry(i)])
    await audit.flush()
  }
  assert.deepEqual(readdirSync(path).sort(), ['audit.1.jsonl', 'audit.2.jsonl', 'audit.jsonl'])
  for (const file of readdirSync(path)) assert.ok(statSync(join(path, file)).size <= 500)
  const kept = numbers(await audit.read({ fromMs: 0, max: 100 }))
  assert.equal(kept[0], 99)
  assert.ok(kept.length >= 10 && kept.length <= 30, String(kept.length))
  assert.equal(statSync(join(path, 'audit.jsonl')).mode & 0o777, 0o600)
})

test('a restart goes on with the file, a line that was cut aside', async () => {
  const path = join(folder, 'again')
  const first = new AuditLog({ log, folder: path })
  first.append([entry(1)])
  await first.flush()
  appendFileSync(join(path, 'audit.jsonl'), '{"type":"sta\n')
  const second = new AuditLog({ log, folder: path })
  second.append([entry(2)])
  assert.deepEqual(numbers(await second.read({ fromMs: 0, max: 10 })), [2, 1])
})

test('what can not be written is counted and told, and nothing waits for it', async () => {
  const lines: string[] = []
  const loud = new Log({ component: 'test', sink: { write: (line) => lines.push(line) } })
  appendFileSync(join(folder, 'file'), '')
  const audit = new AuditLog({ log: loud, folder: join(folder, 'file', 'below') })
  audit.append([entry(1), entry(2)])
  await audit.flush()
  assert.equal(audit.dropped, 2)
  assert.match(lines.join(''), /audit log can not be written/)
})
