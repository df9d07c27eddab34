import assert from 'node:assert/strict'
import { test } from 'node:test'
import { helpText, settingRows } from './describe-settings.ts'
import { proxySettings } from './proxy-settings.ts'
import { readSettings } from './read-settings.ts'
import type { SettingTable } from './setting.ts'
import { environmentNameOf, flagOf } from './setting.ts'

const table = {
  name: { type: 'text', reason: 'who' },
  waitMs: { type: 'integer', unit: 'ms', min: 1, max: 100, default: 50, reason: 'how long' },
  mode: { type: 'choice', choices: ['fast', 'slow'] as const, default: 'fast', reason: 'how' },
  isLoud: { type: 'boolean', default: false, reason: 'whether' },
  peer: { type: 'addresses', default: [{ host: '127.0.0.1', port: 1 }], reason: 'whom' },
} as const satisfies SettingTable

function read(args: string[], environment: Record<string, string> = {}) {
  return readSettings(table, { arguments: args, environment })
}

function values(args: string[], environment: Record<string, string> = {}) {
  const result = read(args, environment)
  assert.ok(result.ok, result.ok ? '' : result.faults.join('\n'))
  return result.values
}

function faults(args: string[], environment: Record<string, string> = {}): string[] {
  const result = read(args, environment)
  assert.ok(!result.ok)
  return result.faults
}

test('a flag wins over the environment, which wins over the default', () => {
  assert.equal(values(['--name', 'a']).waitMs, 50)
  assert.equal(values(['--name', 'a'], { WEFT_WAIT_MS: '60' }).waitMs, 60)
  assert.equal(values(['--name', 'a', '--wait-ms=70'], { WEFT_WAIT_MS: '60' }).waitMs, 70)
})

test('a repeatable setting gathers its flags and splits the environment at commas', () => {
  assert.deepEqual(values(['--name', 'a', '--peer', 'x:1', '--peer', '[::1]:2']).peer, [
    { host: 'x', port: 1 },
    { host: '::1', port: 2 },
  ])
  assert.deepEqual(values(['--name', 'a'], { WEFT_PEER: 'x:1, y:2' }).peer, [
    { host: 'x', port: 1 },
    { host: 'y', port: 2 },
  ])
})

test('a boolean flag stands alone or takes true and false', () => {
  assert.equal(values(['--is-loud', '--name', 'a']).isLoud, true)
  assert.equal(values(['--is-loud', 'false', '--name', 'a']).isLoud, false)
})

test('a bad value names the flag or variable and what was expected', () => {
  assert.deepEqual(faults(['--name', 'a', '--wait-ms', '0']), [
    '--wait-ms 0: expected a whole number from 1 to 100 (ms)',
  ])
  assert.deepEqual(faults(['--name', 'a'], { WEFT_MODE: 'quick' }), ['WEFT_MODE quick: expected fast or slow'])
  assert.deepEqual(faults(['--name', 'a', '--peer', 'x:1,y']), ['--peer x:1,y: expected HOST:PORT'])
})

test('every fault is told at once, with the nearest flag for a misspelt one', () => {
  assert.deepEqual(faults(['--wait-sm', '5', '--mode']), [
    '--wait-sm is no setting; did you mean --wait-ms?',
    '--mode needs a value: fast or slow',
    '--name is missing: expected text',
  ])
})

test('the defaults of the proxy satisfy their own rows', () => {
  const result = readSettings(proxySettings, { arguments: ['--node-id', 'a.b'], environment: {} })
  assert.ok(result.ok)
  for (const [name, setting] of Object.entries(proxySettings)) {
    if (setting.type !== 'integer') continue
    const value: unknown = result.values[name as keyof typeof proxySettings]
    assert.ok(Number(value) >= setting.min && Number(value) <= setting.max, `${name} has a default out of range`)
  }
})

test('help and reference name every setting of the proxy', () => {
  const help = helpText('weft-proxy', proxySettings)
  const rows = settingRows(proxySettings)
  for (const name of Object.keys(proxySettings)) {
    assert.ok(help.includes(`${flagOf(name)} (`), `${name} is not in the help`)
    assert.match(proxySettings[name as keyof typeof proxySettings].reason, /\.$/, `${name} gives no reason`)
    assert.ok(
      rows.some((row) => row[1] === `\`${environmentNameOf(name)}\``),
      `${name} has no row`,
    )
  }
})
