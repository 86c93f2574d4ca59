import type { Language } from './language/language.ts'
import { fillText } from './language/sentence.ts'

/** The label of a device (`deviceLabel` in core, English) in the words of a language. Names of programs and systems stay as they are. */
export function describeDevice({ texts: { account } }: Language, label: string): string {
  if (label === '' || label === 'Unknown device') return account.unknownDevice
  const [, program, system] = /^(.+) on (.+)$/.exec(label) ?? []
  if (program === undefined || system === undefined) return label
  return fillText(account.programOn, { program, system: system === 'an Apple device' ? account.appleDevice : system })
}
