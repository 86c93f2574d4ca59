import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/*
 * For the tests: a disk that keeps nothing but what was synced. Preloaded into a process, it answers every fsync and fdatasync by
 * copying the file, as it then is, into another folder: what lies there after a kill is what a power cut leaves at worst.
 */
const source = `
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

// A file that was deleted is gone for good once its folder was synced.
static void forget_deleted(const char *folder) {
  char path[PATH_MAX], kept[PATH_MAX];
  DIR *all = opendir(getenv("KEPT_FOLDER"));
  for (struct dirent *one; (one = readdir(all)) != NULL;) {
    snprintf(path, sizeof path, "%s/%s", folder, one->d_name);
    snprintf(kept, sizeof kept, "%s/%s", getenv("KEPT_FOLDER"), one->d_name);
    if (one->d_name[0] != '.' && access(path, F_OK)) unlink(kept);
  }
  closedir(all);
}

static int keep(int descriptor) {
  char name[64], path[PATH_MAX], kept[PATH_MAX], part[PATH_MAX], block[65536];
  struct stat facts;
  if (fstat(descriptor, &facts)) return 0;
  snprintf(name, sizeof name, "/proc/self/fd/%d", descriptor);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  if (S_ISDIR(facts.st_mode)) forget_deleted(path);
  if (!S_ISREG(facts.st_mode)) return 0;
  snprintf(kept, sizeof kept, "%s/%s", getenv("KEPT_FOLDER"), strrchr(path, '/') + 1);
  snprintf(part, sizeof part, "%s.part", kept);
  pthread_mutex_lock(&one_at_a_time);
  // Not closed if it is the database: that would drop the locks that SQLite holds on it.
  int from = open(path, O_RDONLY), to = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ssize_t got;
  while ((got = read(from, block, sizeof block)) > 0) if (write(to, block, got) != got) abort();
  close(to);
  rename(part, kept);
  if (strstr(path, "-wal")) close(from);
  pthread_mutex_unlock(&one_at_a_time);
  return 0;
}

int fsync(int descriptor) { return keep(descriptor); }
int fdatasync(int descriptor) { return keep(descriptor); }
`

/** The environment of a process whose synced files are kept in `kept`; undefined where there is no C compiler. */
export function keepingSyncedFiles(folder: string, kept: string): Record<string, string> | undefined {
  const library = join(folder, 'keep-synced.so')
  writeFileSync(`${library}.c`, source)
  try {
    execFileSync('gcc', ['-shared', '-fPIC', '-O2', '-o', library, `${library}.c`, '-lpthread'], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { LD_PRELOAD: library, KEPT_FOLDER: kept }
}
