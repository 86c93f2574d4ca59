import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { emailKey } from './email-address.ts'

describe('the key of an e-mail address', () => {
  test.each([
    ['maria@example.com', 'maria@example.com'],
    ['Maria.Lopez+news@Example.COM', 'maria.lopez+news@example.com'],
    ['  maria@example.com  ', 'maria@example.com'],
    ["o'hara@example.com", "o'hara@example.com"],
    ['maría@example.com', 'maría@example.com'],
    ['用户@例え.jp', '用户@xn--r8jz45g.jp'],
    ['maria@MÜNCHEN.de', 'maria@xn--mnchen-3ya.de'],
    ['maria@xn--mnchen-3ya.de', 'maria@xn--mnchen-3ya.de'],
    ['maria@localhost', 'maria@localhost'],
    ['a@b.c', 'a@b.c'],
  ])('%s: %s', (email, key) => {
    expect(emailKey(email)).toBe(key)
  })

  test('CVE-2026-47203, CVE-2025-24806, CVE-2026-15617: is one for every way to write it', () => {
    const spellings = ['victim@example.com', 'VICTIM@EXAMPLE.COM', 'Victim@Example.Com', ' victim@example.com\t']
    expect(new Set(spellings.map(emailKey))).toEqual(new Set(['victim@example.com']))
  })

  test('CVE-2026-134314: does not fold what a mail server keeps apart', () => {
    const apart = ['maria@example.com', 'mar.ia@example.com', 'maria+x@example.com', 'maria@mail.example.com']
    expect(new Set(apart.map(emailKey)).size).toBe(apart.length)
  })
})

describe('GHSA-7rqj-j65f-68wh: a look-alike is refused, not folded', () => {
  test.each([
    ['full-width @', 'victim＠example.com'],
    ['small @', 'victim﹫example.com'],
    ['full-width letters', 'ｖictim@example.com'],
    ['full-width domain', 'victim@ｅxample.com'],
    ['full-width dot', 'victim@example．com'],
    ['ideographic dot', 'victim@example。com'],
    ['half-width ideographic dot', 'victim@example｡com'],
    ['Kelvin sign', 'victim\u212a@example.com'],
    ['long s', 'victim\u017f@example.com'],
    ['ligature', 'o\ufb03ce@example.com'],
    ['zero width space', 'vic\u200btim@example.com'],
    ['zero width joiner in the domain', 'victim@exam\u200dple.com'],
    ['soft hyphen', 'victim@exam\u00adple.com'],
    ['byte order mark', 'vic\ufefftim@example.com'],
    ['right-to-left override', 'victim\u202e@example.com'],
    ['isolate', 'victim\u2066@example.com'],
    ['no-break space', 'vic\u00a0tim@example.com'],
    ['decomposed accent', 'mari\u0301a@example.com'],
    ['percent-encoded domain', 'victim@exa%6dple.com'],
    ['a path after the domain', 'victim@example.com/evil'],
    ['a query after the domain', 'victim@example.com?evil'],
    ['a fragment after the domain', 'victim@example.com#evil'],
    ['mathematical letters in the domain', 'victim@𝐞xample.com'],
    ['an address in hexadecimal', 'victim@0x7f.1'],
    ['an address in numbers', 'victim@127.0.0.1'],
    ['an address as one number', 'victim@2130706433'],
  ])('%s', (_what, email) => {
    expect(emailKey(email)).toBeNull()
  })
})

describe('what is no address', () => {
  test.each([
    ['nothing', ''],
    ['no @', 'example.com'],
    ['nothing before it', '@example.com'],
    ['nothing after it', 'maria@'],
    ['CVE-2026-40574: two @', 'maria@evil@example.com'],
    ['a quoted local part', '"maria"@example.com'],
    ['a comment', 'maria(x)@example.com'],
    ['a display name', 'Maria <maria@example.com>'],
    ['CVE-2022-35924: a list', 'maria@example.com,evil@example.com'],
    ['a list with semicolon', 'maria@example.com;evil@example.com'],
    ['a line break', 'maria@example.com\nBcc: evil@example.com'],
    ['a NUL', 'maria\0@example.com'],
    ['a lone surrogate', 'maria\ud800@example.com'],
    ['a space inside', 'ma ria@example.com'],
    ['a leading dot', '.maria@example.com'],
    ['a trailing dot', 'maria.@example.com'],
    ['two dots', 'ma..ria@example.com'],
    ['two dots in the domain', 'maria@example..com'],
    ['a dot after the domain', 'maria@example.com.'],
    ['a hyphen at the end of a label', 'maria@example-.com'],
    ['an underscore in the domain', 'maria@ex_ample.com'],
    ['a port', 'maria@example.com:25'],
    ['an address literal', 'maria@[127.0.0.1]'],
    ['a long local part', `${'m'.repeat(65)}@example.com`],
    ['a long label', `maria@${'m'.repeat(64)}.com`],
    ['a long address', `maria@${'m.'.repeat(130)}com`],
    ['a megabyte', `${'m'.repeat(1_000_000)}@example.com`],
  ])('%s', (_what, email) => {
    expect(emailKey(email)).toBeNull()
  })

  test('any text gives a key or null, and a key is its own key', () => {
    const letters = fc.string({ unit: 'grapheme', maxLength: 12 })
    const like = fc.tuple(letters, letters).map(([local, domain]) => `${local}@${domain}.example`)
    return fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), like, fc.emailAddress()), text => {
        const key = emailKey(text)
        if (key === null) return
        expect(emailKey(key)).toBe(key)
        expect(emailKey(text.replace(/[a-z]/g, letter => letter.toUpperCase()))).toBe(key)
      }),
      { numRuns: 2000 },
    )
  })
})
