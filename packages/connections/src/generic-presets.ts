import type { WrittenConnection } from './connection-settings.ts'
import { standardPerson } from './person.ts'
import { type Claims, type Preset, within } from './preset.ts'

/** Any OpenID provider: all that is needed is its issuer. */
export const openid: Preset = {
  title: 'OpenID',
  scopes: ['openid', 'profile', 'email'],
  person: ({ claims, userinfo }) => standardPerson({ ...userinfo, ...claims }),
  quirks: { asksAgain: true },
}

/** Any OAuth 2.0 provider with a document about the person; `profile` says where in it things are. */
export function oauth2(profile: NonNullable<WrittenConnection['profile']>): Preset {
  return {
    title: 'OAuth',
    scopes: [],
    person: ({ userinfo }) => {
      const { subject, ...others } = Object.fromEntries(
        Object.entries(profile).map(([name, place]) => [name, memberAt(userinfo, place)]),
      )
      return standardPerson({ ...others, sub: subject })
    },
  }
}

function memberAt(document: Claims, place: string): unknown {
  const members = place.split('.')
  const last = members.pop() ?? ''
  const holder = members.reduce(within, document)
  return Object.hasOwn(holder, last) ? holder[last] : undefined
}
