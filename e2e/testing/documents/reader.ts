import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createHostedBrowser, type HostedBrowser } from '../hosted-browser.ts'
import { call } from '../http-call.ts'
import { listen } from '../listen.ts'
import { walkPages } from '../walk-pages.ts'
import type { Step } from './read-document.ts'
import { differences, readShownAnswer } from './shown-answer.ts'

/** What a document takes for granted. */
export interface Given {
  /** The server that the calls go to, in the place of the one that is `shown`. It runs with the faults of `faults.ts`. */
  readonly issuer: string
  readonly shown: string
  /** Who signs in on the pages. */
  readonly person: { readonly email: string; readonly password: string }
  readonly environment: Readonly<Record<string, string>>
}

/** Somebody who types what a document says, in one shell from its beginning to its end. */
export interface Reader {
  /** Throws if it is not answered as it is shown. */
  follow(path: string, step: Step): Promise<void>
  leave(): Promise<void>
}

interface Typed {
  readonly output: string
  /** Of the last call; undefined if there was none. */
  readonly status: number | undefined
}

const root = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * The shell is bash and curl is curl. `open` takes an address to a browser, in which the person signs in and answers what is asked: `open ADDRESS deny` says no. It
 * says where the browser ended up. `sleep` waits by moving the server's clock.
 */
export async function startReader({ issuer, shown, person, environment }: Given): Promise<Reader> {
  const browser = createHostedBrowser(issuer)
  let { password } = person
  const help = async (path: string, query: URLSearchParams): Promise<string> => {
    const parameter = (name: string): string => query.get(name) ?? ''
    if (path === '/open') {
      const [address, answer] = [parameter('address'), parameter('answer')]
      return visit(browser, { address, answer, person: { ...person, password } })
    }
    const milliseconds = Number(parameter('seconds')) * 1000
    await call(`${issuer}/health`, { headers: { fault: `clock-ahead ${milliseconds}` } })
    return ''
  }
  const helper = await listen((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '', issuer)
    help(pathname, searchParams).then(
      text => response.end(text),
      error => response.writeHead(500).end(String(error)),
    )
  })
  const shell = spawn('bash', ['--norc', '--noprofile', '-s'], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}`, ...environment },
  })
  shell.stdin.write(commands.replaceAll('HELPER', helper.origin))
  const type = typist(shell)
  // What the last answer held, for `access_token=…`.
  let held: Readonly<Record<string, unknown>> = {}
  return {
    async follow(path, { line, command, answer }) {
      const names = taken(command)
      // Who types a new password knows it.
      password = /"new_password":"([^"]+)"/.exec(command)?.[1] ?? password
      const typed = await type(names ? assignments(names, held, `${path}:${line}`) : command.replaceAll(shown, issuer))
      const expected = readShownAnswer(answer)
      const output = [String, encodeURIComponent].reduce(
        (text, as) => text.replaceAll(as(issuer), as(shown)),
        typed.output,
      )
      const wrong = [...wrongStatus(expected.status, typed.status), ...differences(expected.body, output)]
      if (answer.length === 0 && typed.status === undefined && output !== '') wrong.push(`it says ${output}`)
      if (wrong.length > 0)
        throw new Error(`${path}:${line}: ${command}\n${wrong.join('\n')}\nThe answer: ${typed.status} ${output}`)
      if (typed.status !== undefined) held = membersOf(typed.output)
    },
    async leave() {
      shell.stdin.end()
      await helper.close()
      await once(shell, 'close')
    },
  }
}

const commands = `
curl() { command curl -sS --max-time 20 -w '%{stderr}\\nstatus %{http_code}\\n' "$@"; }
open() { curl -G --data-urlencode "address=$1" --data-urlencode "answer=\${2-allow}" HELPER/open; }
sleep() { command curl -sS "HELPER/sleep?seconds=$1"; }
`

/** The names of `access_token=… code=…`; undefined for any other command. */
function taken(command: string): string[] | undefined {
  const words = command.split(/;?\s+/)
  return words.every(word => /^\w+=…$/.test(word)) ? words.map(word => word.slice(0, -2)) : undefined
}

function assignments(names: readonly string[], held: Readonly<Record<string, unknown>>, place: string): string {
  return names
    .map(name => {
      const value = held[name]
      if (typeof value !== 'string') throw new Error(`${place}: the last answer has no ${name}`)
      return `${name}='${value.replaceAll("'", "'\\''")}'`
    })
    .join(' ')
}

/** Of JSON its members; of an address the parameters of its query; of a header its fields, `dpop-nonce` as `dpop_nonce`. */
function membersOf(output: string): Readonly<Record<string, unknown>> {
  const text = output.trim()
  if (text.startsWith('{')) return JSON.parse(text) as Record<string, unknown>
  if (text.startsWith('HTTP/')) {
    const fields = text.matchAll(/^([a-z-]+): (.*?)\r?$/gm)
    return Object.fromEntries([...fields].map(([, name = '', value]) => [name.replaceAll('-', '_'), value]))
  }
  return URL.canParse(text) ? Object.fromEntries(new URL(text).searchParams) : {}
}

function wrongStatus(shown: number | undefined, came: number | undefined): string[] {
  if (came === undefined) return []
  const isRight = shown === undefined ? came >= 200 && came < 400 : came === shown
  return isRight ? [] : [`the status is ${came}${shown === undefined ? '' : `, shown as ${shown}`}`]
}

/** Types a command, and reads what it says until the next one may come. */
function typist(shell: ChildProcess): (command: string) => Promise<Typed> {
  const said = { stdout: '', stderr: '' }
  const end = '\u0004'
  let ready: () => void = () => {}
  for (const name of ['stdout', 'stderr'] as const) {
    shell[name]?.setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      if (said.stdout.endsWith(end) && said.stderr.endsWith(end)) ready()
    })
  }
  return async command => {
    said.stdout = ''
    said.stderr = ''
    const finished = new Promise<void>(resolve => {
      ready = resolve
    })
    shell.stdin?.write(`${command}\nprintf '\\004'; printf '\\004' >&2\n`)
    await finished
    const statuses = [...said.stderr.matchAll(/^status (\d+)$/gm)]
    const complaints = said.stderr
      .replace(/^status \d+$/gm, '')
      .replaceAll(end, '')
      .trim()
    if (complaints !== '' && statuses.length === 0) throw new Error(`${command}\n${complaints}`)
    const last = statuses.at(-1)?.[1]
    return { output: said.stdout.slice(0, -1), status: last === undefined ? undefined : Number(last) }
  }
}

/** Where a browser ends up that is taken to this address. */
async function visit(
  browser: HostedBrowser,
  { address, answer, person }: { address: string; answer: string; person: Given['person'] },
): Promise<string> {
  const { pathname, search, origin } = new URL(address)
  const end = await walkPages(browser, pathname + search, person, {
    '/consent': { decision: answer },
    // The code is typed first, or stands there already; then comes the question.
    '/device': page => (page.includes('value="look"') ? { user_code: typedCode(page) } : { command: answer }),
  })
  return new URL(end.answer.headers.location?.toString() ?? end.path, origin).href
}

function typedCode(page: string): string {
  return (
    /name="user_code"[^>]*value="([^"]*)"/.exec(page)?.[1] ??
    /value="([^"]*)"[^>]*name="user_code"/.exec(page)?.[1] ??
    ''
  )
}
