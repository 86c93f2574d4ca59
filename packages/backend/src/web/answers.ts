import { errorBody, type Refusal, reasonHeader, reasons, refuse } from '@countersign/protocol'
import { CallFailure } from '../call-failure.ts'

/** What the token handler answers is about one person: no cache may keep it, and one that does all the same must tell cookies apart (RFC 9111 §4.1). */
export const privately: Readonly<Record<string, string>> = {
  'Cache-Control': 'private, no-store',
  Vary: 'Cookie, Authorization',
  'X-Content-Type-Options': 'nosniff',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...privately, 'Content-Type': 'application/json', ...headers },
  })
}

/** `status`: of the refusal's row, unless it means something else here. */
export function refusalResponse(refusal: Refusal, status: number = reasons[refusal.reason].status): Response {
  const after = refusal.retryAfterSeconds
  return jsonAnswer(status, errorBody(refusal), {
    [reasonHeader]: refusal.reason,
    ...(after !== undefined && { 'Retry-After': String(after) }),
  })
}

/** 303 (RFC 9110 §15.4.4). */
export function seeOther(location: string): Response {
  return new Response(null, {
    status: 303,
    headers: { ...privately, Location: location, 'Referrer-Policy': 'no-referrer' },
  })
}

/** The issuer or an API is away: nothing is lost, and nobody is signed out. */
export function failureResponse(failure: unknown): Response {
  const after = failure instanceof CallFailure ? failure.retryAfterSeconds : undefined
  return refusalResponse(refuse('unavailable', { retryAfterSeconds: after ?? 1 }))
}

export function withCookies(response: Response, setCookies: readonly string[]): Response {
  for (const line of setCookies) response.headers.append('Set-Cookie', line)
  return response
}

/** For a person whose sign-in did not come to its end; without script or style of the app. */
export function messagePage(status: number, title: string, text: string, again: string): Response {
  const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}</style>
<h1>${title}</h1>
<p>${text}</p>
<p><a href="${again}">Sign in again</a></p>
</html>
`
  return new Response(body, {
    status,
    headers: {
      ...privately,
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy':
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
      ...(status === 503 && { 'Retry-After': '1' }),
    },
  })
}
