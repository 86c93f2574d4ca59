/** What the configuration calls them. Apart from the presets, so that a configuration is read without loading what speaks with providers. */
export const presetNames = [
  'amazon',
  'apple',
  'discord',
  'facebook',
  'github',
  'gitlab',
  'google',
  'linkedin',
  'microsoft',
  'slack',
  'spotify',
  'twitch',
  'x',
] as const

export type PresetName = (typeof presetNames)[number]
