import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loopsByCpuLimit } from './cpu-limit.ts'

function loops(files: Record<string, string>, processors = 8): number {
  return loopsByCpuLimit({ read: (path) => files[path], processors })
}

test('rounds a limit of cgroup v2 up to whole loops', () => {
  const of = (max: string): number => loops({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': `${max}\n` })
  assert.equal(of('150000 100000'), 2)
  assert.equal(of('200000 100000'), 2)
  assert.equal(of('10000 100000'), 1)
  assert.equal(of('max 100000'), 1)
})

test('takes the least limit of the folders above', () => {
  const files = {
    '/proc/self/cgroup': '0::/kubepods/pod1/app\n',
    '/sys/fs/cgroup/kubepods/pod1/app/cpu.max': 'max 100000\n',
    '/sys/fs/cgroup/kubepods/pod1/cpu.max': '300000 100000\n',
    '/sys/fs/cgroup/kubepods/cpu.max': '700000 100000\n',
  }
  assert.equal(loops(files), 3)
})

test('reads the quota of cgroup v1, in a container too', () => {
  const files = {
    '/proc/self/cgroup': '4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '400000\n',
    '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
  }
  assert.equal(loops(files), 4)
  assert.equal(loops({ ...files, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' }), 1)
})

test('makes no more loops than there are processors, and one where nobody limits', () => {
  assert.equal(loops({ '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': '1600000 100000\n' }, 4), 4)
  assert.equal(loops({ '/proc/self/cgroup': '0::/\n' }), 1)
  assert.equal(loops({}), 1)
})
