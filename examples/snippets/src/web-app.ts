import { createTokenHandler } from '@countersign/backend/web'
import { mount } from '@countersign/backend/web/node'
import express from 'express'

const { ISSUER = '', CLIENT_SECRET = '', APP_URL = '', NOTES_API = '', COOKIE_SECRET = '', PORT } = process.env

const tokenHandler = createTokenHandler({
  issuer: ISSUER,
  clientId: 'notes-web',
  clientSecret: CLIENT_SECRET,
  appUrl: APP_URL,
  secrets: [COOKIE_SECRET],
  scope: 'openid email notes:read',
  proxies: { '/api': NOTES_API },
})

const app = express()
app.use(mount(tokenHandler)) // before whatever parses bodies
app.get('/', (_request, response) => {
  response.send('<!doctype html><title>Notes</title><a href="/auth/login?return_to=/">Sign in</a>')
})
app.listen(Number(PORT), '127.0.0.1', () => console.log('ready'))
