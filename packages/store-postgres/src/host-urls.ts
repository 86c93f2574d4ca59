/** The URL of each host that a URL names, in their order. */
export function urlsOf(url: string): readonly [string, ...string[]] {
  const [, start = '', hosts = '', rest = ''] = /^([^/]*\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(url) ?? []
  const [first = '', ...others] = hosts.split(',')
  return [`${start}${first}${rest}`, ...others.map(host => `${start}${host}${rest}`)]
}
