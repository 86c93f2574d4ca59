import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { sampleSite } from '../testing/sample-models.ts'
import { contentSecurityPolicy } from './content-security-policy.ts'
import { formPostPage, formPostScriptHash } from './form-post-page.ts'
import { fixedScript } from './html.ts'

const url = 'https://notes.example.com/callback?from=here'
const hostile = `"><script>alert(1)</script>`
const page = formPostPage(sampleSite, { url, applicationName: hostile, parameters: { code: 'c', state: hostile } })

test('the form holds the answer and goes to the registered address, by itself or by a button', () => {
  expect(page).toContain(`<form method="post" action="${url}">`)
  expect(page).toContain('<input type="hidden" name="code" value="c">')
  expect(page).toMatch(/<button class="button main" type="submit">Continue<\/button>/)
})

test('its one script is fixed, and the policy allows that one alone', () => {
  const scripts = [...page.matchAll(/<script>([^<]*)<\/script>/g)].map(([, text]) => text ?? '')
  expect(scripts).toHaveLength(1)
  const hash = createHash('sha256')
    .update(scripts[0] ?? '')
    .digest('base64')
  expect(formPostScriptHash).toBe(`'sha256-${hash}'`)
  const policy = contentSecurityPolicy({ redirectUri: url, scriptHash: formPostScriptHash })
  expect(policy).toContain(`; script-src ${formPostScriptHash}; form-action https: https://notes.example.com; `)
  expect(policy).toContain("default-src 'none'; style-src 'self'; ")
})

test('CVE-2024-21637: what others have chosen stays text, and an address that runs is a TypeError', () => {
  expect(page.split(hostile)).toHaveLength(1)
  expect(page).toContain('&lt;script&gt;alert(1)')
  const bad = { url: 'javascript:alert(1)', applicationName: 'x', parameters: {} }
  expect(() => formPostPage(sampleSite, bad)).toThrow(TypeError)
  expect(() => fixedScript('</script>')).toThrow(TypeError)
})
