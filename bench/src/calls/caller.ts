import { createHmac, createPrivateKey, createSecretKey, randomBytes, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { quantile } from '../harness/workload.ts'
import { type Connection, openConnection } from '../load/connection.ts'
import { joseSignature, proofSigner } from '../load/proofs.ts'
import type { CallerResult, CallerTask, Way } from './task.ts'

/* The back end that calls: one call after the other over one connection, each as its way has it. */

const task = JSON.parse(process.argv[2] ?? '') as CallerTask
const { issuer, audience, clients, caller, keys } = task
const apiUrl = `http://127.0.0.1:${task.apiPort}`

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs the same claims as the server would, but for what only it knows. */
function signerOf(alg: 'HS256' | 'ES256' | 'RS256'): () => string {
  const header = encode({ alg, typ: 'JWT', ...(alg !== 'HS256' && { kid: alg }) })
  const key =
    alg === 'HS256' ? createSecretKey(caller.secret, 'utf8') : createPrivateKey({ key: keys[alg], format: 'jwk' })
  const signatureOf = (text: string): Buffer => {
    if (alg === 'HS256') return createHmac('sha256', key).update(text).digest()
    const signed = sign('sha256', Buffer.from(text), key)
    return alg === 'ES256' ? joseSignature(signed) : signed
  }
  return () => {
    const iat = Math.floor(Date.now() / 1000)
    const jti = randomBytes(16).toString('base64url')
    const claims = {
      iss: caller.issuer,
      sub: clients.bearer.id,
      aud: audience,
      iat,
      exp: iat + 60,
      jti,
      scope: 'notes',
    }
    const text = `${header}.${encode(claims)}`
    return `${text}.${signatureOf(text).toString('base64url')}`
  }
}

/** `POST /token` (RFC 6749 §4.4), with a proof where the token is to be bound. */
async function fetchToken(server: Connection, which: 'bearer' | 'bound', proof?: string): Promise<string> {
  const { id, secret } = clients[which]
  const body = 'grant_type=client_credentials'
  const basic = Buffer.from(`${id}:${secret}`).toString('base64')
  const lines = [
    'POST /token HTTP/1.1',
    `Host: ${new URL(issuer).host}`,
    `Authorization: Basic ${basic}`,
    ...(proof === undefined ? [] : [`DPoP: ${proof}`]),
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
  ]
  const answer = await server.send(`${lines.join('\r\n')}\r\n\r\n${body}`)
  const { access_token: token } = JSON.parse(/\{.*\}/s.exec(answer.body)?.[0] ?? '{}') as { access_token?: string }
  if (token === undefined) throw new Error(`no token: ${answer.status} ${answer.body}`)
  return token
}

type Headers = () => string[] | Promise<string[]>

/** The path of the API, and what each call brings along. */
async function prepare(way: Way, server: Connection): Promise<{ path: string; headers: Headers }> {
  switch (way) {
    case 'nothing':
      return { path: '/nothing', headers: () => [] }
    case 'cached token': {
      const token = await fetchToken(server, 'bearer')
      return { path: '/issued', headers: () => [`Authorization: Bearer ${token}`] }
    }
    case 'cached token, DPoP proof for each': {
      const token = await fetchToken(server, 'bound', proofSigner(task.proofKey, `${issuer}/token`)())
      const proofOf = proofSigner(task.proofKey, `${apiUrl}/issued`, { method: 'GET', token })
      return { path: '/issued', headers: () => [`Authorization: DPoP ${token}`, `DPoP: ${proofOf()}`] }
    }
    case 'HS256 signed for each':
    case 'ES256 signed for each':
    case 'RS256 signed for each': {
      const makeToken = signerOf(way.slice(0, 5) as 'HS256' | 'ES256' | 'RS256')
      const path = way.startsWith('HS') ? '/shared' : '/signed'
      return { path, headers: () => [`Authorization: Bearer ${makeToken()}`] }
    }
    case 'token of the server for each':
      return { path: '/issued', headers: async () => [`Authorization: Bearer ${await fetchToken(server, 'bearer')}`] }
  }
}

/** Microseconds of processor time that a process has used, kernel included; in steps of 10,000. */
function usedBy(pid: number): number {
  const [, text = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const fields = text.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

async function run(): Promise<CallerResult> {
  const server = await openConnection('127.0.0.1', Number(new URL(issuer).port))
  const api = await openConnection('127.0.0.1', task.apiPort)
  const { path, headers } = await prepare(task.way, server)
  const call = async (): Promise<void> => {
    const lines = [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${task.apiPort}`, ...(await headers())]
    const { status, body } = await api.send(`${lines.join('\r\n')}\r\n\r\n`)
    if (status !== 200) throw new Error(`${task.way}: ${status} ${body}`)
  }
  // Until the code of all three is compiled.
  for (let n = 0; n < task.calls / 2; n++) await call()
  const times: number[] = []
  const before = { own: process.cpuUsage(), api: usedBy(task.pids.api), server: usedBy(task.pids.server) }
  for (let n = 0; n < task.calls; n++) {
    const began = performance.now()
    await call()
    times.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(before.own)
  return {
    callerMicroseconds: (user + system) / task.calls,
    apiMicroseconds: (usedBy(task.pids.api) - before.api) / task.calls,
    serverMicroseconds: (usedBy(task.pids.server) - before.server) / task.calls,
    p50: quantile(times, 0.5) ?? 0,
    p99: quantile(times, 0.99) ?? 0,
  }
}

process.stdout.write(`${JSON.stringify(await run())}\n`, () => process.exit(0))
