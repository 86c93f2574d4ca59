import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const source = (micros: number): string => `
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int fd) { usleep(${micros}); return syscall(SYS_fsync, fd); }
int fdatasync(int fd) { usleep(${micros}); return syscall(SYS_fdatasync, fd); }
`

/**
 * A library that makes every fsync and fdatasync of a process take longer, to be named in LD_PRELOAD.
 * Undefined where there is no gcc or no LD_PRELOAD: the slow disk is then left out, and the report says so.
 */
export function buildSlowFsync(folder: string, micros: number): string | undefined {
  if (process.platform !== 'linux') return undefined
  const library = join(folder, `slow-fsync-${micros}.so`)
  try {
    writeFileSync(`${library}.c`, source(micros))
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, `${library}.c`], { stdio: 'ignore' })
    return library
  } catch {
    return undefined
  }
}
