/**
 * Builds the `countersign` command as it is published: one file for the program, one for each kind of thread. A server that starts
 * from one file has its first token out in half the time, and holds 30 MB less than one that strips types as it loads.
 *
 *     npm run build
 */

import { chmodSync, rmSync } from 'node:fs'
import { createRequire, isBuiltin } from 'node:module'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const root = join(import.meta.dirname, '..')
/** An argument names another folder. */
const outdir = process.argv[2] ?? join(root, 'packages/cli/bundle')

/**
 * Who imports a built-in module as a module gets all of its names at once, and what Node loads for some of them alone: with `node:http` all of `fetch`, with
 * `node:util` a thread's messages and what compares texts. Here each name that is used is asked for by itself.
 */
const builtInNames: Plugin = {
  name: 'built-in modules, name by name',
  setup({ onResolve, onLoad }) {
    const namespace = 'built in'
    onResolve({ filter: /^[a-z]/ }, ({ path, kind, importer }) =>
      kind === 'import-statement' && isBuiltin(path)
        ? // By the importer, too: what several files share would become a file of its own.
          { path, suffix: `?${importer}`, namespace, sideEffects: false }
        : undefined,
    )
    onLoad({ filter: /./, namespace }, ({ path }) => {
      const names = Object.keys(createRequire(import.meta.url)(path))
      return {
        contents: [
          `const ask = name => process.getBuiltinModule('${path}')[name]`,
          ...names.map((name, n) => `const n${n} = /* @__PURE__ */ ask('${name}')\nexport { n${n} as '${name}' }`),
          `export default /* @__PURE__ */ process.getBuiltinModule('${path}')`,
        ].join('\n'),
      }
    })
  },
}

/** Fastify asks for TLS and HTTP/2 as it loads, and here a proxy speaks them: 6 MB. */
const lateBuiltIns: Plugin = {
  name: 'built-in modules that are loaded when they are used',
  setup({ onResolve, onLoad }) {
    const namespace = 'late'
    onResolve({ filter: /^node:(https|http2)$/ }, ({ path, kind }) =>
      kind === 'require-call' ? { path, namespace } : undefined,
    )
    onLoad({ filter: /./, namespace }, ({ path }) => ({
      contents: `module.exports = new Proxy({}, { get: (_, name) => process.getBuiltinModule('${path}')[name] })`,
    }))
  },
}

rmSync(outdir, { recursive: true, force: true })
await build({
  entryPoints: {
    countersign: join(root, 'packages/cli/src/main.ts'),
    'bcrypt-worker': join(root, 'packages/server/src/passwords/bcrypt-worker.ts'),
    'checkpoint-worker': join(root, 'packages/store-sqlite/src/checkpoint-worker.ts'),
  },
  outdir,
  bundle: true,
  splitting: true,
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  conditions: ['@countersign/source'],
  plugins: [builtInNames, lateBuiltIns],
  // Fastify's dependencies are CommonJS and ask for `require`.
  banner: { js: "import{createRequire as r}from'node:module';const require=r(import.meta.url);" },
  legalComments: 'linked',
  logLevel: 'warning',
})
chmodSync(join(outdir, 'countersign.js'), 0o755)
