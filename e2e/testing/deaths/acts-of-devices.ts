import { expect } from 'vitest'
import { postForm } from '../../../packages/server/src/testing/calls.ts'
import { answerDevice, device } from '../../../packages/server/src/testing/devices.ts'
import { act, type DeadlyAct, isAnswered } from './dying.ts'
import { onNode, signedIn } from './people.ts'

/** Devices without a keyboard ask for a login, and get it or not. */
export const actsOfDevices: readonly DeadlyAct[] = [
  act({
    name: 'a device that asks',
    prepare: async beside => ({ ...(await signedIn(beside)), userCode: '' }),
    async act(dying, prepared) {
      const asked = await device(dying)
      prepared.userCode = asked.userCode
      return isAnswered(asked.answer)
    },
    async judge(_beside, { page, userCode }, { isDone }) {
      if (isDone) expect((await answerDevice(page, userCode, 'allow')).status).toBe(303)
    },
  }),
  act({
    name: 'a device that is looked at, and allowed in',
    prepare: async beside => ({ ...(await signedIn(beside)), tv: await device(beside) }),
    async act(dying, { page, tv }) {
      const answer = await answerDevice(onNode(dying, page), tv.userCode, 'allow')
      return isAnswered(answer)
    },
    async judge(_beside, { page, tv }, { commits }) {
      if (commits === 1) expect((await answerDevice(page, tv.userCode, 'allow')).status).toBe(303)
      expect((await tv.poll()).status).toBe(200)
    },
  }),
  act({
    name: 'a device that is sent away',
    prepare: async beside => ({ ...(await signedIn(beside)), tv: await device(beside) }),
    async act(dying, { page, tv }) {
      return isAnswered(await answerDevice(onNode(dying, page), tv.userCode, 'deny'))
    },
    async judge(_beside, { page, tv }, { commits }) {
      if (commits === 1) expect((await answerDevice(page, tv.userCode, 'deny')).status).toBe(303)
      expect((await tv.poll()).body.error).toBe('access_denied')
    },
  }),
  act({
    name: 'a device that gets its login',
    async prepare(beside) {
      const somebody = await signedIn(beside)
      const tv = await device(beside)
      await answerDevice(somebody.page, tv.userCode, 'allow')
      return { ...somebody, tv }
    },
    async act(dying, { tv }) {
      const fields = { grant_type: 'urn:ietf:params:oauth:grant-type:device_code', client_id: 'tv' }
      return isAnswered(await postForm(dying, '/token', { ...fields, device_code: tv.deviceCode }))
    },
    async judge(beside, { id, tv }) {
      expect((await tv.poll()).status).toBe(400)
      expect(await beside.store.listSessions(id)).toHaveLength(2)
    },
  }),
]
