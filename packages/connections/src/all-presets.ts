import type { Preset } from './preset.ts'
import type { PresetName } from './preset-names.ts'
import { amazon } from './presets/amazon.ts'
import { apple } from './presets/apple.ts'
import { discord } from './presets/discord.ts'
import { facebook } from './presets/facebook.ts'
import { github } from './presets/github.ts'
import { gitlab } from './presets/gitlab.ts'
import { google } from './presets/google.ts'
import { linkedin } from './presets/linkedin.ts'
import { microsoft } from './presets/microsoft.ts'
import { slack } from './presets/slack.ts'
import { spotify } from './presets/spotify.ts'
import { twitch } from './presets/twitch.ts'
import { x } from './presets/x.ts'

/** By the name that the configuration calls them. */
export const presets: Readonly<Record<PresetName, Preset>> = {
  amazon,
  apple,
  discord,
  facebook,
  github,
  gitlab,
  google,
  linkedin,
  microsoft,
  slack,
  spotify,
  twitch,
  x,
}
