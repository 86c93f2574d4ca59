import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os'

/** Which core a process is held to: the server's and the load's are never the same. */
export type Place = 'server' | 'load'

const cores: Readonly<Record<Place, string>> = { server: '0', load: '1' }

/** Undefined where processes can be held to cores; otherwise why not, to stand under every table. */
const notPinned: string | undefined = whyNotPinned()

function whyNotPinned(): string | undefined {
  if (availableParallelism() < 2) return 'One core only: server and load shared it.'
  const found = spawnSync('taskset', ['-c', cores.load, process.execPath, '--version'])
  return found.status === 0 ? undefined : 'No taskset here: server and load were not held to cores of their own.'
}

export function pinned(place: Place, command: readonly string[]): string[] {
  return notPinned === undefined ? ['taskset', '-c', cores[place], ...command] : [...command]
}

/** Said in the facts if something else was running: then figures per second mean little, and ratios something. */
function companyNow(): string[] {
  const [load = 0] = loadavg()
  return load < 0.5
    ? []
    : [
        `The machine was not idle: load average ${load.toFixed(1)} before the first round. Ratios and times per core hold better than rates.`,
      ]
}

/** What the figures were seen on, one fact a line. */
export function machineFacts(): string[] {
  return [
    `Date: ${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    `Machine: ${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${platform()} ${release()}`,
    `Node ${process.versions.node}, SQLite ${process.versions.sqlite}, OpenSSL ${process.versions.openssl}`,
    `Packages: ${['oidc-provider', 'jose', 'fast-jwt', 'jsonwebtoken'].map(name => `${name} ${packageVersion(name)}`).join(', ')}`,
    notPinned ?? 'Server on one core, load generator on the other (taskset).',
    ...companyNow(),
  ]
}

/** From package.json, found by its place: not every package exports it. */
function packageVersion(name: string): string {
  const require = createRequire(import.meta.url)
  for (const folder of require.resolve.paths(name) ?? []) {
    try {
      return (JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8')) as { version: string }).version
    } catch {
      // Not in this folder.
    }
  }
  return 'unknown'
}
