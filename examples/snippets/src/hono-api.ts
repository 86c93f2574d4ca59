import { createVerifier } from '@countersign/verify'
import { type AuthVariables, protect } from '@countersign/verify/hono'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'

const { ISSUER = '', API_URL = '', PORT } = process.env

const verifier = createVerifier({ issuer: ISSUER, audience: 'urn:notes' })
const policy = { scope: 'notes:read', optional: true, baseUrl: API_URL } as const

const app = new Hono<{ Variables: AuthVariables<typeof policy> }>()
app.get('/notes', protect(verifier, policy), c => c.json({ owner: c.get('auth')?.claims.sub ?? 'nobody', notes: [] }))
serve({ fetch: app.fetch, port: Number(PORT), hostname: '127.0.0.1' }, () => console.log('ready'))
