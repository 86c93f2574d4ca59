import { expect, test } from 'vitest'
import { attributes, type Content, escapeHtml, href, html, htmlText } from './html.ts'

const attack = `"><script>alert('x')</script>&`

test('a value in text is escaped', () => {
  expect(htmlText(html`<p>${attack}</p>`)).toBe('<p>&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;</p>')
})

test('a value in a quoted attribute is escaped and cannot end it', () => {
  expect(htmlText(html`<p title="a ${'" onclick="b'}">c</p>`)).toBe('<p title="a &quot; onclick=&quot;b">c</p>')
})

test('finished markup is not escaped again, lists are joined, undefined and false print nothing', () => {
  const items = ['a', '<b>'].map(item => html`<li>${item}</li>`)
  expect(htmlText(html`<ul>${items}${undefined}${false}${0}</ul>`)).toBe('<ul><li>a</li><li>&lt;b&gt;</li>0</ul>')
})

test('an object from JSON cannot pass for markup', () => {
  const forged = JSON.parse('{"markup":"<script>","Symbol(markup)":"<script>"}') as Content
  expect(() => html`<p>${forged}</p>`).toThrow(TypeError)
})

test('control characters and lone surrogates become the replacement character; line breaks and tabs stay', () => {
  expect(escapeHtml('a\u0000b\u001bc\ud800d\u0085e')).toBe('a\ufffdb\ufffdc\ufffdd\ufffde')
  expect(escapeHtml('a\n\tb')).toBe('a\n\tb')
})

test('a template with a script, a style, a frame, an event handler or an unquoted value is refused', () => {
  const value = 'x'
  expect(() => html`<script>1</script>`).toThrow(TypeError)
  expect(() => html`<SCRIPT>1</SCRIPT>`).toThrow(TypeError)
  expect(() => html`<style>p{}</style>`).toThrow(TypeError)
  expect(() => html`<iframe></iframe>`).toThrow(TypeError)
  expect(() => html`<base target="x">`).toThrow(TypeError)
  expect(() => html`<p style="color:red">a</p>`).toThrow(TypeError)
  expect(() => html`<p onclick="a()">a</p>`).toThrow(TypeError)
  expect(() => html`<p ONCLICK="a()">a</p>`).toThrow(TypeError)
  expect(() => html`<p title=${value}>a</p>`).toThrow(TypeError)
  expect(() => html`<p title='${value}'>a</p>`).toThrow(TypeError)
  expect(() => html`<p ${value}>a</p>`).toThrow(TypeError)
  expect(() => html`<p title="${value}`).toThrow(TypeError)
  expect(() => html`<${value}>`).toThrow(TypeError)
  expect(() => html`<!-- ${value} -->`).toThrow(TypeError)
})

test('attributes print what is set, escaped', () => {
  expect(
    htmlText(
      html`<input ${attributes({ required: true, value: '"<', minlength: 8, readonly: false, id: undefined })}>`,
    ),
  ).toBe('<input  required value="&quot;&lt;" minlength="8">')
})

test('attributes refuse handlers, styles, URLs and names that are none', () => {
  for (const name of ['onload', 'OnLoad', 'style', 'href', 'action', 'formaction', 'srcdoc', 'a b', 'a"', 'a>', '']) {
    expect(() => attributes({ [name]: 'x' }), name).toThrow(TypeError)
  }
})

test('a URL attribute takes a checked URL and nothing else', () => {
  expect(htmlText(html`<a href="${href('/a?b=c&d="')}">a</a>`)).toBe('<a href="/a?b=c&amp;d=&quot;">a</a>')
  expect(() => html`<a href="${'/a'}">a</a>`).toThrow(TypeError)
  expect(() => html`<p title="${href('/a')}">a</p>`).toThrow(TypeError)
})

test.each([
  '/',
  '/sign-up?client_id=a&state=%22',
  'https://notes.example.com',
  'https://notes.example.com/a?b#c',
  'http://127.0.0.1:4401/',
  'http://[::1]:4401/',
])('href accepts %s', url => {
  expect(htmlText(html`<a href="${href(url)}">a</a>`)).toContain('href="')
})

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)',
  ' javascript:alert(1)',
  '\u0001javascript:alert(1)',
  'data:text/html,<script>',
  'vbscript:a',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '\\\\evil.example',
  'https:evil.example',
  'https:/evil.example',
  'https:///evil.example',
  'https://id.example.com@evil.example/',
  'https://evil.example\\@id.example.com/',
  'sign-in',
  '?a=b',
  '',
])('href refuses %j', url => {
  expect(() => href(url)).toThrow(TypeError)
})
