import { parentPort } from 'node:worker_threads'
import { hashSync } from 'bcryptjs'

/** What one thread is asked to do. The salt is 22 characters of bcrypt's own base64. */
export interface BcryptRequest {
  readonly password: string
  readonly cost: number
  readonly salt: string
}

if (parentPort === null) throw new Error('to be started as a worker')
const port = parentPort

port.on('message', ({ password, cost, salt }: BcryptRequest) => {
  // The last 31 characters are the hash, after version, cost and salt.
  port.postMessage(hashSync(password, `$2b$${String(cost).padStart(2, '0')}$${salt}`).slice(-31))
})
