/**
 * Container images without a builder: layers as tar archives, and an archive of the whole (OCI image layout 1.1), which
 * containerd imports. The same files give the same bytes, so the same digest.
 */
import { createHash } from 'node:crypto'
import { type TarFile, tar } from './tar.ts'

export interface ImageOptions {
  /** With its tag: `weft.test/weft:dev`. */
  name: string
  /** Each layer's files; what changes often goes last. */
  layers: readonly (readonly TarFile[])[]
  /** As the OCI image configuration has it: `Entrypoint`, `Env`, `User`, `WorkingDir`. */
  config: Record<string, unknown>
}

interface Descriptor {
  mediaType: string
  digest: string
  size: number
}

const architectures: Record<string, string> = { x64: 'amd64', arm64: 'arm64' }

export function imageTar({ name, layers, config }: ImageOptions): Buffer {
  const blobs = new Map<string, Buffer>()
  const add = (mediaType: string, content: Buffer): Descriptor => {
    const digest = createHash('sha256').update(content).digest('hex')
    blobs.set(digest, content)
    return { mediaType, digest: `sha256:${digest}`, size: content.length }
  }
  const addJson = (mediaType: string, value: unknown): Descriptor => add(mediaType, Buffer.from(JSON.stringify(value)))
  const layerBlobs = layers.map((files) => add('application/vnd.oci.image.layer.v1.tar', tar(files)))
  const image = addJson('application/vnd.oci.image.config.v1+json', {
    architecture: architectures[process.arch] ?? process.arch,
    os: 'linux',
    config,
    // Uncompressed, a layer's digest is its diff's.
    rootfs: { type: 'layers', diff_ids: layerBlobs.map(({ digest }) => digest) },
  })
  const manifest = addJson('application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: image,
    layers: layerBlobs,
  })
  const annotations = { 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': name.split(':').at(-1) }
  const listing = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] }
  return tar([
    { path: 'oci-layout', content: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
    { path: 'index.json', content: Buffer.from(JSON.stringify(listing)) },
    ...[...blobs].map(([digest, content]) => ({ path: `blobs/sha256/${digest}`, content })),
  ])
}
