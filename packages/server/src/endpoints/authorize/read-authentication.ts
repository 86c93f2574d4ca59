import {
  type AuthenticationDemand,
  acrValues,
  type ClaimsRequest,
  type Client,
  narrowClaims,
  openIdToken,
  type RequestedClaim,
  readClaimsRequest,
} from '@countersign/core'
import { isRefusal, type Refusal, refuse } from '@countersign/protocol'
import type { Parameters } from '../../http/read-form.ts'
import type { Services } from '../../services.ts'
import { invalid } from './invalid-parameter.ts'

/** The values of `prompt`; `create`: OpenID Connect Prompt Create §4. */
export const prompts = ['none', 'login', 'consent', 'select_account', 'create'] as const

export type Prompt = (typeof prompts)[number]

/** What an authorization request says of who signs in, and how (OpenID Connect Core §3.1.2.1). */
export interface RequestedAuthentication {
  readonly prompt: ReadonlySet<Prompt>
  readonly claims: ClaimsRequest | null
  readonly demand: AuthenticationDemand
  readonly subjects: readonly string[]
}

const wordsAtMost = 20
const loginHintCharactersAtMost = 320

export function readAuthentication(
  services: Services,
  client: Client,
  parameters: Parameters,
): RequestedAuthentication | Refusal {
  const prompt = readPrompt(parameters.get('prompt'))
  if (prompt === undefined) return invalid('prompt')
  const maxAge = parameters.get('max_age')
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) return invalid('max_age')
  if ((parameters.get('login_hint')?.length ?? 0) > loginHintCharactersAtMost) return invalid('login_hint')
  const voluntaryAcr = readWords(parameters.get('acr_values'))
  if (voluntaryAcr === undefined) return invalid('acr_values')
  const claims = parameters.has('claims') ? readClaimsRequest(parameters.get('claims') ?? '') : null
  if (claims === undefined) return invalid('claims')
  const subjects = readSubjects(services, client, parameters.get('id_token_hint'), claims)
  if (isRefusal(subjects)) return subjects
  const maxAgeSeconds = maxAge === undefined ? client.defaultMaxAgeSeconds : Number(maxAge)
  const afresh = maxAgeSeconds === 0 || (['login', 'select_account', 'create'] as const).some(word => prompt.has(word))
  const demand = { afresh, maxAgeSeconds, ...readAcr(voluntaryAcr, claims?.id_token?.acr) }
  return { prompt, claims: claims && narrowClaims(claims, client.scopes), demand, subjects }
}

/** Whether it matters to the application when the user has signed in: a session that others have of them is then no answer. */
export function asksWhenSignedIn({ defaultMaxAgeSeconds }: Client, parameters: Parameters): boolean {
  const isAged = parameters.has('max_age') || defaultMaxAgeSeconds !== null
  return isAged || readPrompt(parameters.get('prompt'))?.has('login') === true
}

/** `undefined` for words that nobody knows, and for `none` beside others. */
function readPrompt(text: string | undefined): ReadonlySet<Prompt> | undefined {
  const words = readWords(text)
  if (words === undefined || !words.every(word => prompts.some(known => known === word))) return undefined
  const prompt = new Set(words as readonly Prompt[])
  return prompt.has('none') && prompt.size > 1 ? undefined : prompt
}

function readWords(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return []
  const words = text.split(' ').filter(Boolean)
  return words.length > wordsAtMost || words.some(word => word.length > 200) ? undefined : words
}

/** An essential `acr` takes the place of `acr_values`, which are voluntary (§5.5.1.1). */
function readAcr(
  voluntary: readonly string[],
  claim: RequestedClaim | null | undefined,
): Pick<AuthenticationDemand, 'acrValues' | 'acrIsEssential'> {
  const values = valuesOf(claim)
  if (claim?.essential === true) return { acrValues: values ?? acrValues, acrIsEssential: true }
  return { acrValues: voluntary.length > 0 ? voluntary : (values ?? []), acrIsEssential: false }
}

function valuesOf(claim: RequestedClaim | null | undefined): readonly string[] | undefined {
  const values = claim?.values ?? (claim?.value === undefined ? undefined : [claim.value])
  return values?.filter(value => typeof value === 'string')
}

/** Whom the client expects. A hint must have been made for this client: another's says nothing to it. */
function readSubjects(
  { keys, config }: Services,
  client: Client,
  hint: string | undefined,
  claims: ClaimsRequest | null,
): readonly string[] | Refusal {
  const subjects: string[] = []
  if (hint !== undefined) {
    const hinted = openIdToken(hint, keys.published, config.issuer)
    if (hinted === undefined || !hinted.audiences.includes(client.id)) {
      return refuse('parameter_invalid', { detail: "The 'id_token_hint' is none that was made here for this client." })
    }
    subjects.push(hinted.sub)
  }
  const wanted = claims?.id_token?.sub?.value
  if (wanted !== undefined && typeof wanted !== 'string') return invalid('claims')
  return wanted === undefined ? subjects : [...subjects, wanted]
}
