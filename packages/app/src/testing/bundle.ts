import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

/** The repository. */
const root = fileURLToPath(new URL('../../../../', import.meta.url))

export interface Bundle {
  readonly text: string
  readonly gzipBytes: number
  /** Bytes of each file that is in the bundle, minified, largest first. Paths from the repository's root. */
  readonly files: readonly { readonly path: string; readonly bytes: number }[]
}

/** What a browser is sent: everything that `source` (a module's text) uses, minified. */
export async function bundleForBrowser(source: string, options: { globalName?: string } = {}): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: `${root}packages/app`, loader: 'ts' },
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: options.globalName === undefined ? 'esm' : 'iife',
    ...options,
    platform: 'browser',
    target: 'es2022',
    conditions: ['@countersign/source'],
  })
  const text = outputFiles[0]?.text ?? ''
  const files = Object.values(metafile.outputs)
    .flatMap(({ inputs }) => Object.entries(inputs))
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .filter(({ path, bytes }) => bytes > 0 && path !== '<stdin>')
    .sort((one, other) => other.bytes - one.bytes)
  return { text, gzipBytes: gzipSync(text, { level: 9 }).length, files }
}

/** What the core may hold besides this package's own files. */
const allowed = new Set(['packages/protocol/src/final-refresh-reasons.ts', 'packages/protocol/src/refusal.ts'])

/** Files that have no business in the core. A limit in bytes would notice late, and would not say which. */
export function leaksOf({ files }: Bundle): string[] {
  const optional = /^packages\/app\/src\/(account|redirect|testing\/.*|storage\/(memory|web-storage))\.ts$/
  return files
    .map(({ path }) => path)
    .filter(path => !allowed.has(path) && (!path.startsWith('packages/app/src/') || optional.test(path)))
}
