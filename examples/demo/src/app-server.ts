import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { RequestListener, ServerResponse } from 'node:http'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Outbox } from './outbox.ts'

/*
 * Serves the app without a build: TypeScript with its types blanked out, line for line, so that what the browser's
 * developer tools show is what is in the repository. An application of yours would be built by its bundler.
 */

export interface AppServerOptions {
  readonly issuer: string
  readonly apiUrl: string
  readonly appUrl: string
  readonly webUrl: string
  /** Answers what lies below `/laboratory/`; false if there is no such thing. */
  readonly laboratory: Laboratory
  /** Absent where mails go to a mail server. */
  readonly outbox?: Outbox | undefined
}

export type Laboratory = (...exchange: Parameters<RequestListener>) => Promise<boolean>

/** What the app imports by name, and the file of each. */
const imports = [
  '@countersign/app',
  '@countersign/app/account',
  '@countersign/app/redirect',
  '@countersign/app/storage/web',
  '@countersign/protocol',
]

const contentTypes: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.md': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ts': 'text/javascript; charset=utf-8',
}

export function createAppServer(options: AppServerOptions): RequestListener {
  const { issuer, apiUrl, appUrl, webUrl, laboratory, outbox } = options
  const packages = importedPackages()
  const importMap = JSON.stringify({ imports: packages.specifiers })
  const policy = contentSecurityPolicy([issuer, apiUrl], importMap)
  const roots = new Map([['app', folderAt('app/')], ['docs', folderAt('../../../docs/')], ...packages.folders])
  const stripped = new Map<string, { source: string; text: string }>()

  /** The file below one of the roots; never one beside them. */
  async function readSource(path: string): Promise<string | undefined> {
    const [, root = '', ...names] = path.split('/')
    const folder = roots.get(root)
    const file = normalize(join(folder ?? '', ...names))
    if (folder === undefined || !file.startsWith(folder + (folder.endsWith(sep) ? '' : sep))) return undefined
    return readFile(file, 'utf8').catch(() => undefined)
  }

  function script(path: string, source: string): string {
    const known = stripped.get(path)
    if (known?.source === source) return known.text
    const text = stripTypeScriptTypes(source)
    stripped.set(path, { source, text })
    return text
  }

  async function answerFile(path: string, response: ServerResponse): Promise<void> {
    const file = path === '/' ? '/app/index.html' : path
    const contentType = contentTypes[extname(file)]
    const source = contentType === undefined ? undefined : await readSource(file)
    if (contentType === undefined || source === undefined)
      return void response.writeHead(404).end('There is nothing here.')
    const text = file.endsWith('.ts') ? script(file, source) : source
    response.setHeader('Content-Type', contentType)
    response.setHeader('Cache-Control', file.endsWith('.html') ? 'no-store' : 'private, max-age=5')
    if (!file.endsWith('.html')) return void response.end(text)
    response.setHeader('Content-Security-Policy', policy)
    response.end(
      text
        .replaceAll('{{issuer}}', issuer)
        .replaceAll('{{api}}', apiUrl)
        .replaceAll('{{web}}', webUrl)
        .replace('<!-- import map -->', () => `<script type="importmap">${importMap}</script>`),
    )
  }

  async function answerRequest(...[request, response]: Parameters<RequestListener>): Promise<void> {
    const url = URL.parse(request.url ?? '/', appUrl)
    if (url === null) return void response.writeHead(400).end()
    // One origin: under another name (localhost) the server would not know the app, and tokens would lie elsewhere.
    if (request.headers.host !== new URL(appUrl).host) {
      return void response.writeHead(307, { Location: appUrl + url.pathname + url.search }).end()
    }
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('Referrer-Policy', 'same-origin')
    if (await laboratory(request, response)) return
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end()
    if (outbox?.answer(request, response)) return
    await answerFile(url.pathname, response)
  }

  return (request, response) => {
    answerRequest(request, response).catch(error => {
      console.error('The app server has failed:', error)
      if (!response.headersSent) response.writeHead(503, { 'Retry-After': '1' })
      response.end()
    })
  }
}

function folderAt(path: string): string {
  return fileURLToPath(new URL(path, import.meta.url))
}

/** Nothing runs that is not one of our files; tokens go nowhere but to the issuer and the API. */
function contentSecurityPolicy(origins: readonly string[], importMap: string): string {
  const hash = createHash('sha256').update(importMap).digest('base64')
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash}'`,
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${origins.join(' ')}`,
    "form-action 'none'",
    // The laboratory opens ten tabs of this very page in frames.
    "frame-src 'self'",
    "frame-ancestors 'self'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')
}

/** The import map, and the folders that its addresses lie in: `/countersign-app/index.ts` is the entry's own file. */
function importedPackages(): { specifiers: Record<string, string>; folders: [string, string][] } {
  const specifiers: Record<string, string> = {}
  const folders = new Map<string, string>()
  for (const specifier of imports) {
    const [scope = '', name = ''] = specifier.slice(1).split('/')
    const folder = `${scope}-${name}`
    const base = folders.get(folder) ?? dirname(fileURLToPath(import.meta.resolve(specifier)))
    folders.set(folder, base)
    const file = fileURLToPath(import.meta.resolve(specifier))
    specifiers[specifier] = `/${folder}${file.slice(base.length).replaceAll(sep, '/')}`
  }
  return { specifiers, folders: [...folders] }
}
