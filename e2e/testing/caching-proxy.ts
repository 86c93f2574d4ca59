import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@countersign/store/testing/free-port'
import { findNginx } from '../../tools/nginx-path.ts'
import { callUnlessKilled } from './http-call.ts'
import type { Listening } from './listen.ts'

/** nginx as a shared cache. `X-Cache` of its answers says whether they come from it (`HIT`) or from behind (`MISS`). */
export type CachingProxy = Listening

export async function startCachingProxy(behind: string): Promise<CachingProxy> {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-cache-'))
  const port = await freePort()
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `daemon off;
master_process off;
pid nginx.pid;
error_log stderr warn;
events {}
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'scgi', 'uwsgi'].map(name => `${name}_temp_path temporary;`).join(' ')}
  proxy_cache_path cache keys_zone=answers:1m;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${behind};
      proxy_cache answers;
      # What says nothing of caches is kept too: as careless as a cache may be.
      proxy_cache_valid any 10m;
      add_header X-Cache $upstream_cache_status always;
    }
  }
}
`,
  )
  const child = spawn(findNginx() ?? '', ['-p', folder, '-c', file], { stdio: ['ignore', 'ignore', 'inherit'] })
  const ended = once(child, 'close')
  const origin = `http://127.0.0.1:${port}`
  while ((await callUnlessKilled(origin)) === undefined) if (child.exitCode !== null) throw new Error('nginx has ended')
  return {
    origin,
    async close() {
      child.kill('SIGTERM')
      await ended
      rmSync(folder, { recursive: true })
    },
  }
}
