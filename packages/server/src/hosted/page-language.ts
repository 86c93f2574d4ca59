import { hashCode, requestUriPrefix } from '@countersign/core'
import { isRefusal } from '@countersign/protocol'
import type { HttpRequest } from '../http/message.ts'
import { type Parameters, readParameters, repeatable } from '../http/read-form.ts'
import { chooseLanguage, readAcceptLanguage, readUiLocales } from '../pages/language/choose-language.ts'
import type { Language } from '../pages/language/language.ts'
import { inLanguage } from '../pages/site.ts'
import type { HostedServices } from './hosted-services.ts'
import { languageMenu } from './language-endpoint.ts'

/** The services with the site in the language of whoever asks. What is wrong with a wish is no error: the next one counts. */
export async function inLanguageOf(services: HostedServices, http: HttpRequest): Promise<HostedServices> {
  const { languages, site } = services
  if (languages.all.length < 2) return services
  const language = await languageOf(services, http)
  return { ...services, site: inLanguage(site, language, languageMenu(languages, http, language)) }
}

/**
 * What people have chosen here themselves in this browser; else what the application says (`ui_locales`); else what their browser says; else the first language. Their
 * own choice comes first, for the menu would do nothing at an address that wishes for something else.
 */
async function languageOf(services: HostedServices, http: HttpRequest): Promise<Language> {
  const { languages, cookies } = services
  const own = languages.byTag(cookies.language(http) ?? '')
  if (own !== undefined) return own
  const asked = chooseLanguage(languages.all, readUiLocales((await uiLocales(services, http)) ?? ''))
  if (asked !== undefined) return asked
  return chooseLanguage(languages.all, readAcceptLanguage(http.header('accept-language') ?? '')) ?? languages.first
}

/** Of the request that the page is about: its own, the one that it leads back to, or the one that was pushed (RFC 9126). */
async function uiLocales({ store }: HostedServices, http: HttpRequest): Promise<string | undefined> {
  const query = readParameters(http.query, repeatable)
  if (isRefusal(query)) return undefined
  const own = query.get('return_to')?.startsWith('/authorize?') ? requestIn(query.get('return_to') ?? '') : query
  const pushed = own?.get('request_uri')
  if (pushed === undefined || !pushed.startsWith(requestUriPrefix)) return own?.get('ui_locales')
  const found = await store.loadShortLived('pushedRequest', hashCode(pushed.slice(requestUriPrefix.length)))
  return found?.row.parameters.ui_locales
}

function requestIn(path: string): Parameters | undefined {
  const parameters = readParameters(path.slice('/authorize?'.length), repeatable)
  return isRefusal(parameters) ? undefined : parameters
}
