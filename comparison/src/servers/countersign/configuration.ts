/** Ours, with the defaults of production. The back end is there to open logins without a password each. */
export const backEndSecret = 'secret-of-the-back-end-that-opens-logins'
export const password = 'the right horse, the right battery'

export const configuration: Readonly<Record<string, unknown>> = {
  sign_up: 'open',
  trusted_proxies: ['127.0.0.1'],
  clients: [
    { id: 'app', first_party: true, direct_login: true, scopes: ['account'], audiences: ['https://api.example/'] },
    {
      id: 'back-end',
      secrets: [backEndSecret],
      first_party: true,
      grant_types: ['client_credentials'],
      scopes: ['sessions:manage'],
    },
  ],
}
