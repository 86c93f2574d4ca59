import { isRefusal, refuse } from '@countersign/protocol'
import { seeOther } from '../http/answers.ts'
import type { Endpoint, HttpRequest } from '../http/message.ts'
import { readParameters } from '../http/read-form.ts'
import type { Language } from '../pages/language/language.ts'
import type { Languages } from '../pages/language/languages.ts'
import type { MenuItem } from '../pages/site.ts'
import type { HostedServices } from './hosted-services.ts'
import { pageOfRefusal } from './page-answers.ts'

/** Below it, each language has an address. */
export const languagePath = '/language'

const addressCharactersAtMost = 8_192

/** Pages that can be shown once more, in another language. */
const pagesAgain = /^\/(?:sign-in|sign-up|invitation|consent|device|logout|authorize|account(?:\/[a-z]+)?)(?:\?|$)/

/** `GET /language/{language}`: the menu at the foot of a page. Kept in a cookie of this browser, and back to the page. A link, for it changes nothing but words. */
export function chooseOwnLanguage(services: HostedServices): Endpoint {
  return http => {
    const language = services.languages.byTag(http.params.language ?? '')
    if (language === undefined) return pageOfRefusal(services, refuse('not_found'))
    const query = readParameters(http.query)
    const wanted = isRefusal(query) ? '' : (query.get('return_to') ?? '')
    const path = pagesAgain.test(wanted) && !/[^\x21-\x7e]|\\/.test(wanted) ? wanted : '/account'
    return seeOther(path, { 'set-cookie': services.cookies.keepLanguage(language.tag) })
  }
}

/** The languages, with a way to this page in each. Nothing where there is one only, or the page cannot be had again. */
export function languageMenu({ all }: Languages, http: HttpRequest, shown: Language): readonly MenuItem[] {
  const here = http.query === '' ? http.path : `${http.path}?${http.query}`
  if (all.length < 2 || !pagesAgain.test(here) || here.length > addressCharactersAtMost) return []
  const query = new URLSearchParams({ return_to: here })
  return all.map(language => ({
    language,
    ...(language !== shown && { url: `${languagePath}/${language.tag}?${query}` }),
  }))
}
