import { StoreUnavailable } from '@countersign/store'
import { urlsOf } from './hosts.ts'

/** What may stand in a URL, and where it must be one of a few, which. An empty list: anything that is not empty. */
const parameters: Readonly<Record<string, readonly string[]>> = {
  sslmode: ['verify-full', 'verify-ca', 'require', 'prefer', 'no-verify', 'disable'],
  sslrootcert: [],
  sslcert: [],
  sslkey: [],
  sslnegotiation: ['postgres', 'direct'],
  ssl: ['true', '1', '0'],
  uselibpqcompat: ['true'],
  host: [],
  port: [],
  user: [],
  password: [],
  application_name: [],
  options: [],
  target_session_attrs: ['primary', 'read-write', 'any'],
}

/**
 * Refuses what the driver would pass over in silence: with `ssl_mode=verify-full` or `sslmode=` the password would go in the clear. What was
 * written is not said: it may be a part of a password that was not encoded.
 */
export function checkDatabaseUrl(text: string): void {
  const url = URL.parse(urlsOf(text)[0]) ?? URL.parse(urlsOf(text)[0].replace('@/', '@localhost/'))
  if (url === null) throw new StoreUnavailable("the database's URL cannot be read")
  if (url.hash !== '') throw new StoreUnavailable("the database's URL has a #: in a password it is written %23")
  const names = [...url.searchParams.keys()]
  for (const name of names) {
    const values = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (values === undefined) {
      throw new StoreUnavailable(
        `the database's URL has a parameter that is not known; known: ${Object.keys(parameters).join(', ')}`,
      )
    }
    const value = url.searchParams.get(name) ?? ''
    const isKnown = values.length === 0 ? value !== '' : values.includes(value)
    const must = values.length === 0 ? 'not be empty' : `be one of ${values.join(', ')}`
    if (!isKnown) throw new StoreUnavailable(`${name} in the database's URL must ${must}`)
    if (url.searchParams.getAll(name).length > 1)
      throw new StoreUnavailable(`${name} stands twice in the database's URL`)
  }
}
