import { styleText } from 'node:util'
import type { Demo } from './start-demo.ts'

/** What the terminal says once everything answers. Without colours where standard output is no terminal. */
export function greeting({
  issuer,
  address,
  apiUrl,
  appUrl,
  webUrl,
  outboxUrl,
  login,
  exampleId,
  dataFolder,
  isOnDatabase,
  switchedOff,
}: Demo): string {
  const rows: readonly (readonly [string, string, string])[] = [
    ['App', appUrl, 'open this one: notes, and the laboratory'],
    ['Web app', webUrl, 'the same notes, with the tokens in its back end'],
    ['API', apiUrl, 'what the app calls; checks tokens by itself'],
    ...(address === issuer
      ? [['Server', issuer, 'sign-in pages, tokens, /account'] as const]
      : [
          ['Issuer', issuer, 'sign-in pages, tokens, /account, by whoever answers there'] as const,
          ['Server', address, 'this one, which knows the same'] as const,
        ]),
    ...(outboxUrl === undefined ? [] : [['Outbox', outboxUrl, 'the mails that the server would send'] as const]),
    ...(exampleId
      ? [['Example', exampleId.issuer, 'another server: “Continue with Example ID” on the sign-in page'] as const]
      : []),
  ]
  const widest = Math.max(...rows.map(([, url]) => url.length))
  const lines = rows.map(([name, url, what], index) => {
    const address = styleText(index === 0 ? ['bold', 'cyan'] : 'cyan', url)
    return `  ${name.padEnd(9)}${address}${' '.repeat(widest - url.length + 3)}${styleText('dim', what)}`
  })
  const kept = isOnDatabase
    ? `Users, logins and keys are kept in the database, notes and the master key in ${dataFolder}.`
    : `Everything is kept in ${dataFolder}.`
  return [
    '',
    `  ${styleText('bold', 'Countersign is ready.')}`,
    '',
    ...lines,
    '',
    `  ${'Sign in'.padEnd(9)}${styleText('bold', login.email)}  with  ${styleText('bold', login.password)}`,
    ...(exampleId ? [`  ${'there'.padEnd(9)}${styleText('bold', exampleId.login.email)}  with the same password`] : []),
    ...(switchedOff.length === 0 ? [] : ['', `  Clients switched off, not named any more: ${switchedOff.join(', ')}`]),
    '',
    styleText('dim', `  ${kept} Ctrl+C ends it, and nobody is signed out.`),
    '',
    '',
  ].join('\n')
}
