import { extname } from 'node:path'
import type { LanguagesOptions, Logo, Picture, ServerConfig, Theme, WrittenLanguage } from '@countersign/server'
import * as z from 'zod'
import type { Configuration } from './configuration.ts'
import { noting, refusal, WrongConfiguration } from './configuration-problems.ts'
import type { WrittenSchemeColors } from './configuration-schema.ts'
import { readFileOf, readJsonFile } from './json-file.ts'

/*
 * Looks and words of the hosted pages: what the configuration says, with the files that it names.
 */

const pictureBytesAtMost = 256 * 1024

/** For the server. Files that cannot be used are a `WrongConfiguration` that names them all; what stands in them is judged by the server. */
export function hostedPagesOf(configuration: Configuration): Pick<ServerConfig, 'theme' | 'logo' | 'languages'> {
  const { theme, languages: offered, language_files: files } = configuration
  const problems: string[] = []
  const written = files.flatMap(file => readLanguage(file, problems) ?? [])
  const languages: LanguagesOptions = { written, ...(offered && { offered }) }
  const logo = logoOf(theme, problems)
  if (problems.length > 0) throw refusal(problems)
  return { languages, theme: themeOf(theme), ...(logo && { logo }) }
}

function themeOf(theme: Configuration['theme']): Partial<Theme> {
  const { accent, light, dark, schemes, radius_pixels: radiusPixels, font } = theme
  return {
    ...(accent !== undefined && { accent }),
    ...(light && { light: colorsOf(light) }),
    ...(dark && { dark: colorsOf(dark) }),
    ...(schemes && { schemes }),
    ...(radiusPixels !== undefined && { radiusPixels }),
    ...(font !== undefined && { font }),
  }
}

function colorsOf(colors: WrittenSchemeColors): Theme['light'] {
  return Object.fromEntries(Object.entries(colors).filter(([, color]) => color !== undefined))
}

function logoOf({ logo, logo_dark }: Configuration['theme'], problems: string[]): Logo | undefined {
  const read = (key: string, file: string | undefined): Picture | undefined =>
    file === undefined ? undefined : noting(problems, () => readPicture(key, file))
  const light = read('theme.logo', logo)
  const dark = read('theme.logo_dark', logo_dark)
  if (logo === undefined && logo_dark !== undefined) problems.push('theme.logo_dark: needs theme.logo.')
  return light && { light, ...(dark && { dark }) }
}

/** What a file is, and how it begins. */
const pictures: Readonly<Record<string, readonly [type: Picture['contentType'], begins: RegExp]>> = {
  '.svg': ['image/svg+xml', /<svg[\s>]/],
  '.png': ['image/png', /^\x89PNG\r\n/],
  '.webp': ['image/webp', /^RIFF....WEBP/s],
}

function readPicture(key: string, file: string): Picture {
  const [contentType, begins] = pictures[extname(file).toLowerCase()] ?? []
  if (contentType === undefined || begins === undefined) {
    throw new WrongConfiguration(`${key}: ${file} must be an .svg, .png or .webp file.`)
  }
  const bytes = readFileOf(file)
  if (bytes.length > pictureBytesAtMost) {
    throw new WrongConfiguration(
      `${key}: ${file} has ${bytes.length} bytes; at most ${pictureBytesAtMost} are served with every page.`,
    )
  }
  if (!begins.test(bytes.toString('latin1'))) {
    throw new WrongConfiguration(`${key}: ${file} is not what its name says.`)
  }
  return { contentType, bytes }
}

const messages: z.ZodType<NonNullable<WrittenLanguage['texts']>> = z.lazy(() =>
  z.record(z.string(), z.union([z.string(), messages], 'must be a text, or texts by their names')),
)

const writtenLanguage = z.strictObject({
  language: z.string(),
  name: z.string().min(1).max(60).optional(),
  direction: z.enum(['ltr', 'rtl']).optional(),
  texts: messages.optional(),
  scopes: z.record(z.string(), z.string().min(1).max(200)).optional(),
})

function readLanguage(file: string, problems: string[]): WrittenLanguage | undefined {
  const read = noting(problems, () => readJsonFile(file))
  if (read === undefined) return undefined
  const parsed = writtenLanguage.safeParse(read)
  if (parsed.success) {
    const { language, name, direction, texts, scopes } = parsed.data
    return {
      language,
      source: file,
      ...(name !== undefined && { name }),
      ...(direction && { direction }),
      ...(texts && { texts }),
      ...(scopes && { scopes }),
    }
  }
  for (const { path, message } of parsed.error.issues)
    problems.push([file, path.join('.'), message].filter(Boolean).join(': '))
  return undefined
}
