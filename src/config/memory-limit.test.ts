import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryLimitBytes } from './memory-limit.ts'

const reading =
  (files: Readonly<Record<string, string>>) =>
  (path: string): string | undefined =>
    files[path]

test('version 2: the least of the own limit and those above counts', () => {
  const files = {
    '/proc/self/cgroup': '0::/kubepods/pod1\n',
    '/sys/fs/cgroup/kubepods/pod1/memory.max': '268435456\n',
    '/sys/fs/cgroup/kubepods/memory.max': '134217728\n',
    '/sys/fs/cgroup/memory.max': 'max\n',
  }
  assert.equal(memoryLimitBytes(reading(files)), 134_217_728)
})

test('version 1: the limit stands in the folder of the controller, and its largest number is none', () => {
  const cgroup = '5:cpu,cpuacct:/a\n4:memory:/a\n'
  const limit = (text: string): number =>
    memoryLimitBytes(reading({ '/proc/self/cgroup': cgroup, '/sys/fs/cgroup/memory/a/memory.limit_in_bytes': text }))
  assert.equal(limit('104857600\n'), 104_857_600)
  assert.equal(limit('9223372036854771712\n'), 0)
})

test('without a limit, or without cgroups, there is none', () => {
  assert.equal(memoryLimitBytes(reading({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/memory.max': 'max\n' })), 0)
  assert.equal(memoryLimitBytes(reading({})), 0)
})
