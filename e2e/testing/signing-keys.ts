import { type Installation, operate } from './server-process.ts'

/** The newest signing key of each state, as `keys list` shows them. */
export async function signingKeys(installed: Installation): Promise<Readonly<Record<string, string | undefined>>> {
  const { stdout } = await operate(installed, 'keys', 'list')
  const rows = [...stdout.matchAll(/^([\w-]{43}) +signing +ES256 +(next|active|retiring|retired) /gm)]
  return Object.fromEntries(rows.map(([, kid, state]) => [state, kid]))
}
