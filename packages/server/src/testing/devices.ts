import type { Browser } from './browser.ts'
import { type Answer, postForm } from './calls.ts'
import type { GivenServer } from './given.ts'

const deviceGrantType = 'urn:ietf:params:oauth:grant-type:device_code'

type Fields = Readonly<Record<string, string>>

/** A device that waits to be signed in. */
export interface WaitingDevice {
  readonly answer: Answer
  readonly deviceCode: string
  readonly userCode: string
  poll(more?: Fields, headers?: Fields): Promise<Answer>
}

/** A device of the client `tv` asks, or of whom `more` names. */
export async function device(to: GivenServer, more: Fields = {}, headers: Fields = {}): Promise<WaitingDevice> {
  const answer = await postForm(to, '/device_authorization', { client_id: 'tv', ...more }, headers)
  const deviceCode = String(answer.body.device_code)
  return {
    answer,
    deviceCode,
    userCode: String(answer.body.user_code),
    poll(fields = {}, headersOfPoll = {}) {
      const standard = { grant_type: deviceGrantType, device_code: deviceCode, client_id: more.client_id ?? 'tv' }
      return postForm(to, '/token', { ...standard, ...fields }, headersOfPoll)
    },
  }
}

/** Types the code, sees who asks, and answers. The answer is that of the last step. */
export async function answerDevice(page: Browser, userCode: string, command: 'allow' | 'deny'): Promise<Answer> {
  const asked = await page.submit('/device', { command: 'look', user_code: userCode })
  if (asked.status !== 200) return asked
  return page.submit('/device', { command, user_code: userCode })
}
