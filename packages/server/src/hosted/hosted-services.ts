import type { Languages } from '../pages/language/languages.ts'
import type { Site } from '../pages/site.ts'
import type { Services } from '../services.ts'
import type { Cookies } from '../sign-in/cookies.ts'

/** What the hosted pages need besides. */
export interface HostedServices extends Services {
  readonly cookies: Cookies
  /** For pages: in the language of whoever asks. Elsewhere in the first one. */
  readonly site: Site
  readonly languages: Languages
}
