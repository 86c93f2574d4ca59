import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { findFaketime } from '../tools/faketime-path.ts'
import { configuration, graceSeconds, type Install, refresh, revoke, signUp, tryLogIn } from './testing/app-install.ts'
import { type Hammer, startHammer } from './testing/hammer.ts'
import { type LoopbackProxy, type Mishap, startLoopbackProxy } from './testing/loopback-proxy.ts'
import { givenInstallation, type Installation, type Running, startServer } from './testing/server-process.ts'
import { createWitness, type Witness } from './testing/witness.ts'

/*
 * The real server in a world that goes wrong, with apps that refresh all the time. What they were answered and what the store has
 * written is judged by the simulation's own judges.
 */

const apps = { unbound: 12, bound: 6, patience: 400 }
const enough = 120

let installed: Installation
let witness: Witness
let proxy: LoopbackProxy | undefined
afterEach(async () => {
  installed.remove()
  await proxy?.close()
  proxy = undefined
})

async function given(more: Parameters<typeof startServer>[1] = {}, settings: object = {}): Promise<Running> {
  witness = createWitness()
  installed = await givenInstallation({ ...configuration, ...settings })
  const server = await startServer(installed, { ...more, observed: true })
  await signUp(installed.issuer)
  return server
}

/** The trouble is over: everybody is there, and nothing that was promised was broken. `data`: where the server's data are then. */
async function judge(
  { hammer, server }: { hammer: Hammer; server: Running },
  { issuer = installed.issuer, data = () => installed.dataFolder }: { issuer?: string; data?: () => string } = {},
): Promise<void> {
  expect(await hammer.stop()).toEqual([])
  for (const install of hammer.installs) expect((await refresh(issuer, install))?.status).toBe(200)
  expect((await server.end('SIGTERM')).code).toBe(0)
  expect(await witness.violations(data(), graceSeconds)).toEqual([])
  expect(witness.seen()).toBeGreaterThan(enough)
}

test('SIGSTOP: a server that stands still for longer than anybody waits, and goes on, logs nobody out', async () => {
  const server = await given()
  const hammer = await startHammer(installed.issuer, apps)
  for (let times = 0; times < 3; times++) {
    await hammer.more(enough / 3)
    server.child.kill('SIGSTOP')
    // Everybody has given up waiting, more than once.
    await hammer.lost(3 * (apps.unbound + apps.bound))
    server.child.kill('SIGCONT')
  }
  await hammer.more(enough)
  await judge({ hammer, server })
})

test('kill -9 of a server that stands still: the requests in its hands are lost, and nobody is logged out', async () => {
  let server = await given()
  const hammer = await startHammer(installed.issuer, apps)
  for (let times = 0; times < 3; times++) {
    await hammer.more(enough / 3)
    server.child.kill('SIGSTOP')
    await server.end('SIGKILL')
    server = await startServer(installed, { observed: true })
  }
  await hammer.more(enough)
  await judge({ hammer, server })
})

test('a proxy that drops, delays and repeats: nobody is logged out, and each generation has one successor', async () => {
  proxy = await startLoopbackProxy()
  const server = await given({}, { issuer: proxy.url })
  proxy.upstream = installed.issuer
  const hammer = await startHammer(proxy.url, apps)
  // So late that nobody waits for the answer.
  const late = (): Promise<void> => hammer.lost(1)
  const mishaps: readonly (() => Mishap)[] = [
    () => 'lose-request',
    () => 'lose-answer',
    () => 'repeat',
    late,
    () => undefined,
    () => 'repeat',
    () => 'lose-answer',
  ]
  let requests = 0
  proxy.mishap = ({ path }) => (path === '/token' ? mishaps[requests++ % mishaps.length]?.() : undefined)
  await hammer.more(3 * enough)
  proxy.mishap = () => undefined
  await judge({ hammer, server }, { issuer: proxy.url })
})

test('a small disk that is really full: 503, what was acknowledged stays, and it goes on when there is room', async () => {
  installed = await givenInstallation(configuration)
  witness = createWitness()
  const disk = await mountSmallDisk(installed.dataFolder, '700k')
  const server = await startServer(installed, { observed: true, launcher: disk.launcher })
  await signUp(installed.issuer)
  const hammer = await startHammer(installed.issuer, { unbound: 4, bound: 2, patience: 5_000 })
  const acknowledged: Install[] = []
  for (;;) {
    const { answer, install } = (await tryLogIn(installed.issuer)) ?? {}
    if (answer?.status !== 201) {
      expect([answer?.status, answer?.json.error]).toEqual([503, 'temporarily_unavailable'])
      expect(Number(answer?.headers['retry-after'])).toBeGreaterThan(0)
      break
    }
    acknowledged.push(install as Install)
  }
  await disk.resize('40m')
  await hammer.more(enough)
  const [one] = acknowledged
  if (one) expect((await revoke(installed.issuer, one))?.status).toBe(200)
  for (const install of acknowledged.slice(1)) expect((await refresh(installed.issuer, install))?.status).toBe(200)
  await judge({ hammer, server }, { data: disk.copy })
  await disk.unmount()
})

test('a clock that jumps, both ways, by minutes and by a day: nobody is logged out', async () => {
  const library = findFaketime()
  if (library === undefined) throw new Error('libfaketime is missing: npm test installs it, or says how')
  installed = await givenInstallation(configuration)
  witness = createWitness()
  const clock = join(installed.folder, 'clock')
  writeFileSync(clock, '+0')
  const environment = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  const server = await startServer(installed, { observed: true, environment })
  await signUp(installed.issuer)
  // Nobody comes a second time: a clock that jumps in between makes them come later than any grace.
  const hammer = await startHammer(installed.issuer, { ...apps, patience: 60_000 })
  for (const seconds of [600, -600, 86_400, -300, 0]) {
    await hammer.more(enough / 4)
    // In one step: a file that is just being written would be a third time.
    writeFileSync(`${clock}-next`, seconds < 0 ? String(seconds) : `+${seconds}`)
    witness.clockJumps(seconds * 1000, () => renameSync(`${clock}-next`, clock))
  }
  await hammer.more(enough)
  await judge({ hammer, server })
})

interface SmallDisk {
  /** Starts a program where the disk is mounted. */
  readonly launcher: readonly string[]
  /** What is on it, where others can read it too; says where. */
  copy(): string
  resize(size: string): Promise<void>
  unmount(): Promise<void>
}

/** A tmpfs of so many bytes over a folder, in a mount namespace of its own: nobody else sees it, and no root is needed. */
async function mountSmallDisk(folder: string, size: string): Promise<SmallDisk> {
  const script = `mkdir -p "$0" && mount -t tmpfs -o mode=700,size=${size} none "$0" && echo mounted && exec sleep 600`
  const holder = spawn('unshare', ['--map-root-user', '--mount', '/bin/sh', '-c', script, folder])
  await once(holder.stdout, 'data')
  const ended = once(holder, 'close')
  const launcher = ['nsenter', `--target=${holder.pid}`, '--user', '--mount', '--preserve-credentials']
  return {
    launcher,
    copy() {
      const copied = `${folder}-copied`
      cpSync(`/proc/${holder.pid}/root${folder}`, copied, { recursive: true })
      return copied
    },
    async resize(next) {
      const [program = '', ...args] = [...launcher, 'mount', '-o', `remount,size=${next}`, folder]
      await once(spawn(program, args, { stdio: 'inherit' }), 'close')
    },
    async unmount() {
      holder.kill('SIGKILL')
      await ended
    },
  }
}
