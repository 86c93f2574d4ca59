import type { DeviceSpec } from '../actors/device.ts'
import type { Weather } from '../world/network.ts'

/** A client that is not our SDK. */
export interface PlainSpec {
  readonly name: string
  readonly user: string
  /**
   * `plain`: public; `legacy`: public, wants the refresh token repeated; `web`: confidential, with a static secret. `partner` (public) and `shop` (with a
   * secret) belong to somebody else: users come by the code flow, and are asked.
   */
  readonly clientId: 'plain' | 'legacy' | 'web' | 'partner' | 'shop'
  readonly patience: number
  readonly pauses: readonly number[]
}

export type Loot =
  /** The refresh token. */
  | 'token'
  /** The next whole request for tokens, proof included. */
  | 'request'
  /** The profile folder, key included. */
  | 'profile'
  /** Script in the page: it may use token and key in place, and carry away what is not the key. */
  | 'page'
  /** The authorization code, as it stands in the address bar; not the verifier. */
  | 'code'
  | 'database'
  | 'refresh key'
  | 'signing key'

export type Step = { readonly when: number } & (
  | { readonly do: 'sign in' | 'sign out' | 'use' | 'refresh'; readonly party: string; readonly tab: number }
  | { readonly do: 'freeze' | 'reopen' | 'wake'; readonly party: string; readonly tab: number }
  | { readonly do: 'weather'; readonly party: string; readonly weather: Partial<Weather>; readonly for: number }
  | { readonly do: 'device clock'; readonly party: string; readonly by: number }
  | { readonly do: 'node clock'; readonly node: number; readonly by: number }
  | { readonly do: 'store clock'; readonly by: number }
  | {
      readonly do: 'crash node' | 'cut store' | 'cut ring' | 'signing fails'
      readonly node: number
      readonly for: number
    }
  /** At the `step`th step from now that the node takes, if it takes so many in `for`; then it starts again. */
  | { readonly do: 'crash in step'; readonly node: number; readonly step: number; readonly for: number }
  | { readonly do: 'slow store'; readonly node: number; readonly for: number; readonly by: number }
  | { readonly do: 'unknown outcomes'; readonly node: number; readonly for: number }
  | { readonly do: 'disk full'; readonly for: number }
  /** `keeps`: the part of what was not synced that is still there, from 0 to 1. */
  | { readonly do: 'crash store'; readonly forgets: number; readonly keeps: number; readonly for: number }
  | { readonly do: 'stale replica'; readonly lag: number }
  | { readonly do: 'restore'; readonly age: number; readonly journal: boolean }
  | { readonly do: 'sleep'; readonly for: number }
  | { readonly do: 'rotate keys' | 'retire key' }
  | { readonly do: 'repeat code' | 'take consent back'; readonly party: string }
  | { readonly do: 'end session' | 'log out everywhere' | 'change password'; readonly party: string }
  | { readonly do: 'end all' | 'disable' | 'enable'; readonly user: string }
  | { readonly do: 'steal'; readonly party: string; readonly tab: number; readonly loot: Loot; readonly thief: string }
  | { readonly do: 'thief acts'; readonly thief: string }
)

/** Everything that a run is made of, so that parts of it can be left out. */
export interface Plan {
  readonly seed: number
  readonly nodes: number
  /** Resource servers that follow the feed. */
  readonly apis: number
  readonly devices: readonly DeviceSpec[]
  readonly plains: readonly PlainSpec[]
  /** Seconds; 0: as by default. */
  readonly refreshKeyRotation: number
  readonly steps: readonly Step[]
  /** When the faults stop; what lives then must get well. */
  readonly length: number
}
