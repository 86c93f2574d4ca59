/*
 * What nginx needs to know to stand in front of nodes. On loopback it speaks plain HTTP; anywhere else it is the place for TLS, and says so to the
 * nodes: `proxy_set_header X-Forwarded-Proto https`.
 */

/** Where nginx says which nodes it sends requests to. */
export const sendingPath = '/nodes-behind'

export interface NginxOptions {
  /** Where it listens, on loopback. */
  readonly port: number
  /** `host:port` of each node that should get requests. */
  readonly nodes: readonly string[]
}

/** The whole configuration. Files of nginx's own lie beside it. */
export function nginxConfiguration({ port, nodes }: NginxOptions): string {
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
# After a reload, workers of before stay for those who still follow the feed, but not for ever.
worker_shutdown_timeout 60s;
events { worker_connections 4096; }
http {
  access_log off;
  # Nothing is ever written to a file: requests have 64 kB at most.
  client_max_body_size 64k;
  client_body_buffer_size 64k;
  proxy_max_temp_file_size 0;
  client_body_temp_path temporary;
  proxy_temp_path temporary;
  fastcgi_temp_path temporary;
  scgi_temp_path temporary;
  uwsgi_temp_path temporary;
${upstream(nodes)}
  server {
    listen 127.0.0.1:${port} backlog=1024;
    # About one node: of no use from here.
    location = /ready { return 404; }
    location = ${sendingPath} { return 200 '${nodes.join()}'; }
${nodes.length > 0 ? passing : unavailable}
  }
}
`
}

/** A node that cannot be reached is passed over; a request that it may have seen is not sent a second time to another. */
function upstream(nodes: readonly string[]): string {
  if (nodes.length === 0) return ''
  const servers = nodes.map(node => `    server ${node} max_fails=1 fail_timeout=1s;`).join('\n')
  return `  upstream nodes {\n${servers}\n    keepalive 32;\n  }`
}

const passing = `    location / {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_connect_timeout 2s;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      # Not what the client says: it could write any address there.
      proxy_set_header X-Forwarded-For $remote_addr;
    }
    location = /revocations {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      # A stream that beats every second.
      proxy_buffering off;
      proxy_read_timeout 30s;
    }`

const unavailable = `    location / {
      default_type application/json;
      add_header Retry-After 1 always;
      return 503 '{"error":"temporarily_unavailable","error_description":"No node is ready.","reason":"unavailable"}';
    }`
