import { parseStrictObject, type Refusal, refuse } from '@countersign/protocol'
import type * as z from 'zod'
import type { HttpRequest } from './message.ts'

/** The JSON body, checked against a schema. What is wrong is told by the names of members, never by their values. */
export function readJson<T>(request: HttpRequest, schema: z.ZodType<T>): T | Refusal {
  const type = request.header('content-type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/json')
    return refuse('content_type_unsupported', { detail: 'The body must be application/json.' })
  const value = parseStrictObject(request.body)
  if (value === undefined) return refuse('request_malformed')
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.map(String).filter(isPlain).join('.')
  if (issue?.code === 'unrecognized_keys') {
    const unknown = issue.keys.find(isWord)
    const which =
      unknown === undefined ? 'a member that is not known here' : `a member '${unknown}', which is not known here`
    return refuse('parameter_invalid', { detail: `The body has ${which}.` })
  }
  return refuse('parameter_invalid', where ? { detail: `The member '${where}' is missing or not valid.` } : {})
}

/** Member names of the schema are plain words; anything else came from the request and is not repeated. */
function isPlain(name: string): boolean {
  return /^[a-z_0-9]{1,40}$/.test(name)
}

/** A name that was mistyped, and hardly a secret in the wrong place. */
function isWord(name: string): boolean {
  return /^[a-z][a-z_]{0,23}$/i.test(name)
}
