import { createCountersign } from '@countersign/app'

const countersign = createCountersign({
  issuer: 'https://login.example.com',
  clientId: 'notes-app',
  apiOrigins: ['https://api.example.com'],
})

export async function signIn(email: string, password: string): Promise<void> {
  const result = await countersign.signIn({ email, password })
  if (result.refused) throw new Error(result.reason)
}

export async function notes(): Promise<unknown> {
  // Renews the token when it is due, in one tab for all of them; never signs anybody out because a network failed.
  const response = await countersign.fetch('https://api.example.com/notes')
  return response.json()
}

countersign.subscribe(state => console.log(state))
