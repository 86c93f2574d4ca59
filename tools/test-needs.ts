/**
 * What the tests need from the machine besides Node and the npm packages, and how it gets there.
 *
 * @module
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { findEtcd } from '@countersign/ring-etcd/testing/find-etcd'
import { findZookeeper } from '@countersign/ring-zookeeper/testing/find-zookeeper'
import { findPgbouncer, findPostgres } from '@countersign/store-postgres/testing/find-postgres'
import { findValkey } from '@countersign/store-valkey/testing/find-valkey'
import { findChromium } from './chromium-path.ts'
import { findFaketime } from './faketime-path.ts'
import { findNginx } from './nginx-path.ts'

export interface TestNeed {
  readonly name: string
  readonly isPresent: (environment: NodeJS.ProcessEnv) => boolean
  /** Package of Debian and Ubuntu. */
  readonly debianPackage: string
  /** What to do by hand where we cannot install it. */
  readonly advice: string
}

export const testNeeds: readonly TestNeed[] = [
  {
    name: 'Chromium',
    isPresent: environment => findChromium(environment) !== undefined,
    debianPackage: 'chromium',
    advice: 'install Chromium or Chrome and set COUNTERSIGN_CHROMIUM to the path of its executable',
  },
  {
    name: 'PostgreSQL',
    isPresent: environment => findPostgres(environment) !== undefined,
    debianPackage: 'postgresql',
    advice: 'install PostgreSQL 15 or later and set COUNTERSIGN_POSTGRES to the folder of its programs',
  },
  {
    name: 'PgBouncer',
    isPresent: environment => findPgbouncer(environment) !== undefined,
    debianPackage: 'pgbouncer',
    advice: 'install PgBouncer and set COUNTERSIGN_PGBOUNCER to the path of its executable',
  },
  {
    name: 'ZooKeeper',
    isPresent: environment => findZookeeper(environment) !== undefined,
    debianPackage: 'zookeeper',
    advice: 'install Java 11 or later and ZooKeeper, and set COUNTERSIGN_ZOOKEEPER to the path of zookeeper.jar',
  },
  {
    name: 'etcd',
    isPresent: environment => findEtcd(environment) !== undefined,
    debianPackage: 'etcd-server',
    advice: 'install etcd 3.4 or later and set COUNTERSIGN_ETCD to the path of its executable',
  },
  {
    name: 'Valkey',
    isPresent: environment => findValkey(environment) !== undefined,
    debianPackage: 'redis-server',
    advice: 'install Redis 6 or later, or Valkey 8 or later, and set COUNTERSIGN_REDIS to the path of its executable',
  },
  {
    name: 'nginx',
    isPresent: environment => findNginx(environment) !== undefined,
    debianPackage: 'nginx',
    advice: 'install nginx and set COUNTERSIGN_NGINX to the path of its executable',
  },
  {
    name: 'libfaketime',
    isPresent: environment => findFaketime(environment) !== undefined,
    debianPackage: 'libfaketime',
    advice: 'install libfaketime and set COUNTERSIGN_FAKETIME to the path of libfaketime.so.1',
  },
  {
    name: 'curl',
    isPresent: environment => isOnPath('curl', environment),
    debianPackage: 'curl',
    advice: 'install curl 7.63 or later',
  },
]

export interface Machine {
  readonly environment: NodeJS.ProcessEnv
  readonly isRoot: boolean
  readonly say: (line: string) => void
}

/** Installs what is missing. False if something is still missing afterwards; `say` has then told what to do. */
export async function installTestNeeds(needs: readonly TestNeed[], machine: Machine): Promise<boolean> {
  const isMissing = (need: TestNeed): boolean => !need.isPresent(machine.environment)
  const missing = needs.filter(isMissing)
  if (missing.length === 0) return true
  if (machine.isRoot && isOnPath('apt-get', machine.environment)) {
    machine.say(`The tests need ${missing.map(need => need.name).join(', ')}: installing (once per machine)`)
    await installPackages(
      missing.map(need => need.debianPackage),
      machine,
    )
  }
  const stillMissing = missing.filter(isMissing)
  for (const need of stillMissing) {
    machine.say(`The tests need ${need.name}. Please ${need.advice}.`)
    machine.say(`On Debian and Ubuntu, as root: apt-get update && apt-get install ${need.debianPackage}`)
  }
  return stillMissing.length === 0
}

function isOnPath(program: string, environment: NodeJS.ProcessEnv): boolean {
  return (environment.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))
}

async function installPackages(packages: readonly string[], machine: Machine): Promise<void> {
  // A fresh image has no package lists, an old one lists versions that are gone: always look first.
  if (!(await aptGet(['update'], machine))) return
  await aptGet(['install', '--yes', '--no-install-recommends', ...packages], machine)
}

/** Runs apt-get; its output is shown only if it fails. True if it went well. */
async function aptGet(command: readonly string[], machine: Machine): Promise<boolean> {
  const patience = ['-q', '-o', 'Acquire::Retries=3', '-o', 'DPkg::Lock::Timeout=300']
  machine.say(`  apt-get ${command.join(' ')}`)
  const started = performance.now()
  const seconds = (): string => `${Math.round((performance.now() - started) / 1000)} s`
  const stillThere = setInterval(() => machine.say(`  … ${seconds()}`), 15_000)
  const { exitCode, output } = await runQuietly('apt-get', [...patience, ...command], {
    ...machine.environment,
    DEBIAN_FRONTEND: 'noninteractive',
  })
  clearInterval(stillThere)
  if (exitCode === 0) machine.say(`  done in ${seconds()}`)
  else machine.say(`${output.trimEnd()}\n  apt-get failed after ${seconds()} (exit code ${exitCode})`)
  return exitCode === 0
}

function runQuietly(
  program: string,
  parameters: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<{ exitCode: number; output: string }> {
  return new Promise(resolve => {
    let output = ''
    const child = spawn(program, parameters, { env: environment, stdio: ['ignore', 'pipe', 'pipe'] })
    const collect = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.on('error', error => resolve({ exitCode: 127, output: error.message }))
    child.on('close', exitCode => resolve({ exitCode: exitCode ?? 1, output }))
  })
}
