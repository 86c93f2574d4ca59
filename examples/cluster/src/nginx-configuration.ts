/*
 * What nginx needs to know to stand in front of nodes. On loopback it speaks plain HTTP; anywhere else it is the place for TLS, and says so to the
 * nodes: `proxy_set_header X-Forwarded-Proto https`.
 */

export interface NginxOptions {
  /** Where it listens, on loopback. */
  readonly port: number
  /** `host:port` of each node. */
  readonly nodes: readonly string[]
}

/** A file that nginx looks for at each request: while it is there, this node gets none. Beside the configuration. */
export function restFile(place: number): string {
  return `rests-${place}`
}

/**
 * The whole configuration, written once. Files of nginx's own lie beside it. It is never reloaded: that would close connections which clients keep,
 * and a client may just be about to use one.
 */
export function nginxConfiguration({ port, nodes }: NginxOptions): string {
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
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
${upstream('nodes', nodes)}
${nodes.map((_node, place) => upstream(others(place), nodes.toSpliced(place, 1))).join('\n')}
  server {
    listen 127.0.0.1:${port} backlog=1024;
    root .;
    set $to nodes;
${nodes.map((_node, place) => `    if (-f $document_root/${restFile(place)}) { set $to ${others(place)}; }`).join('\n')}
    error_page 502 504 = @unavailable;
    # About one node: of no use from here.
    location = /ready { return 404; }
${passing}
  }
}
`
}

/** All nodes but one. They restart one after the other; another that is down besides is passed over. */
function others(place: number): string {
  return `others-than-${place}`
}

/** A node that cannot be reached is passed over; a request that it may have seen is not sent a second time to another. */
function upstream(name: string, nodes: readonly string[]): string {
  const servers = nodes.map(node => `    server ${node} max_fails=1 fail_timeout=1s;`).join('\n')
  return `  upstream ${name} {\n${servers}\n    keepalive 32;\n  }`
}

const passing = `    location / {
      proxy_pass http://$to;
      proxy_http_version 1.1;
      proxy_connect_timeout 2s;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      # Not what the client says: it could write any address there.
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto "";
    }
    location = /revocations {
      proxy_pass http://$to;
      proxy_http_version 1.1;
      proxy_connect_timeout 2s;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto "";
      # A stream that beats every second.
      proxy_buffering off;
      proxy_read_timeout 30s;
    }
    location @unavailable {
      default_type application/json;
      add_header Retry-After 1 always;
      return 503 '{"error":"temporarily_unavailable","error_description":"No node answers.","reason":"unavailable"}';
    }`
