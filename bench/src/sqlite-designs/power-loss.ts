import { execFileSync, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { createSeededDatabase } from './schema.ts'

/**
 * A disk that keeps nothing but what was synced: on every fsync and fdatasync the file, whichever descriptor
 * names it, is copied as it then is. After a kill those copies are what a power cut could have left in the worst case.
 */
const source = `
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
static void keep(int fd) {
  char link[64], path[PATH_MAX], to[PATH_MAX], temporary[PATH_MAX], block[65536];
  struct stat facts;
  const char *folder = getenv("KEPT_FOLDER");
  if (!folder || fstat(fd, &facts) || !S_ISREG(facts.st_mode)) return;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return;
  path[length] = 0;
  snprintf(to, sizeof to, "%s/%s", folder, strrchr(path, '/') + 1);
  snprintf(temporary, sizeof temporary, "%s.part", to);
  pthread_mutex_lock(&one);
  int from = open(path, O_RDONLY), out = open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  for (ssize_t got; (got = read(from, block, sizeof block)) > 0;) if (write(out, block, got) != got) abort();
  rename(temporary, to);
  close(out);
  LEAK_OR_CLOSE
  pthread_mutex_unlock(&one);
}
int fsync(int fd) { keep(fd); return 0; }
int fdatasync(int fd) { keep(fd); return 0; }
`

export interface PowerLossResult {
  readonly design: string
  readonly crashes: number
  readonly acknowledged: number
  readonly lost: number
  readonly damaged: number
}

/** Kills a writer of `design` again and again, and looks for its acknowledged logins in what was synced. */
export async function powerLoss(folder: string, design: string, crashes: number): Promise<PowerLossResult> {
  const library = buildKeeper(folder)
  const seed = join(folder, 'small.db')
  createSeededDatabase(seed, 1000)
  const counts = { acknowledged: 0, lost: 0, damaged: 0 }
  for (let crash = 0; crash < crashes; crash++) {
    const running = join(folder, `running-${design}-${crash}`)
    const kept = join(folder, `kept-${design}-${crash}`)
    for (const place of [running, kept]) {
      mkdirSync(place)
      copyFileSync(seed, join(place, 'run.db'))
    }
    const acknowledged = await writeUntilKilled(
      join(running, 'run.db'),
      design,
      library,
      kept,
      300 + Math.random() * 700,
    )
    const database = new DatabaseSync(join(kept, 'run.db'))
    const users = new Set(
      database
        .prepare('SELECT user FROM session')
        .all()
        .map(row => row.user),
    )
    const { integrity_check } = database.prepare('PRAGMA integrity_check').get() as { integrity_check: string }
    database.close()
    counts.acknowledged += acknowledged.length
    counts.lost += acknowledged.filter(user => !users.has(user)).length
    if (integrity_check !== 'ok') counts.damaged++
    for (const place of [running, kept]) rmSync(place, { recursive: true })
  }
  rmSync(seed)
  return { design, crashes, ...counts }
}

function buildKeeper(folder: string): string {
  const library = join(folder, 'keep-synced.so')
  // Closing any descriptor of the database file would drop SQLite's POSIX locks on it, so this one leaks.
  writeFileSync(`${library}.c`, source.replace('LEAK_OR_CLOSE', 'if (strstr(path, "-wal")) close(from);'))
  execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, `${library}.c`, '-lpthread'])
  return library
}

function writeUntilKilled(
  path: string,
  design: string,
  library: string,
  kept: string,
  afterMs: number,
): Promise<number[]> {
  const script = fileURLToPath(new URL('./power-loss-writer.ts', import.meta.url))
  const child = spawn(process.execPath, [script, path, design], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Small checkpoints, so that each run sees several of them.
    env: { ...process.env, LD_PRELOAD: library, KEPT_FOLDER: kept, CHECKPOINT_FRAMES: '256' },
  })
  let text = ''
  child.stdout.on('data', chunk => {
    if (text === '') setTimeout(() => child.kill('SIGKILL'), afterMs)
    text += chunk
  })
  return new Promise((resolve, reject) => {
    child.on('close', (_code, signal) => {
      if (signal !== 'SIGKILL') reject(new Error('the writer ended by itself'))
      // The last line may have been cut.
      else resolve(text.slice(0, text.lastIndexOf('\n')).split('\n').map(Number))
    })
  })
}
