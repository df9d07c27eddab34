import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { imageTar } from './oci-image.ts'
import { tar } from './tar.ts'

describe('an image', () => {
  let folder: string
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'weft-image-'))
  })
  after(() => rmSync(folder, { recursive: true }))

  const unpack = (archive: Buffer): void => {
    execFileSync('tar', ['-x', '-p', '-f', '-', '-C', folder], { input: archive })
  }

  test('unpacks as the files that went in, with long paths, links and modes', () => {
    const long = `${'folder/'.repeat(18)}file-with-a-name-that-is-not-short-either`
    const run = { path: 'bin/run', content: Buffer.from('#!/bin/sh\n'), mode: 0o755 }
    const link = { path: 'bin/go', content: Buffer.alloc(0), link: 'run' }
    unpack(tar([run, link, { path: long, content: Buffer.from('far') }]))
    assert.equal(readFileSync(join(folder, 'bin/go'), 'utf8'), '#!/bin/sh\n')
    assert.equal(readFileSync(join(folder, long), 'utf8'), 'far')
    assert.equal(statSync(join(folder, 'bin/run')).mode & 0o777, 0o755)
    assert.throws(() => tar([{ path: 'x'.repeat(101), content: Buffer.alloc(0) }]), /too long/)
  })

  test('is the same bytes for the same files in any order, and names each blob by its digest', () => {
    const [one, two] = ['one', 'two'].map((name) => ({ path: `app/${name}`, content: Buffer.from(name) }))
    const options = { name: 'weft.test/app:v1', config: { User: '1337' } }
    const image = imageTar({ ...options, layers: [[one!, two!]] })
    assert.deepEqual(imageTar({ ...options, layers: [[two!, one!]] }), image)
    unpack(image)
    const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8'))
    const blob = (digest: string): Buffer => {
      const content = readFileSync(join(folder, 'blobs', digest.replace(':', '/')))
      assert.equal(`sha256:${createHash('sha256').update(content).digest('hex')}`, digest)
      return content
    }
    const manifest = JSON.parse(blob(index.manifests[0].digest).toString())
    const config = JSON.parse(blob(manifest.config.digest).toString())
    assert.deepEqual(config.rootfs.diff_ids, [manifest.layers[0].digest])
    writeFileSync(join(folder, 'layer.tar'), blob(manifest.layers[0].digest))
    const names = execFileSync('tar', ['-t', '-f', join(folder, 'layer.tar')], { encoding: 'utf8' })
    assert.equal(names, 'app/\napp/one\napp/two\n')
  })
})
