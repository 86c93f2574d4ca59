import { describe, expect, test } from 'vitest'
import { readSteps } from './read-document.ts'
import { differences, readShownAnswer } from './shown-answer.ts'

const fence = '```'

describe('the calls of a document', () => {
  test('are the commands of its shell blocks, each with the answer below it and its line', () => {
    const text = `# A\n\n${fence}sh\none\n# 201 {"a":1}\ntwo -d '{\n  "b": 2\n}' \\\n  --more\n\n# x\n# y\n${fence}\n\n${fence}json\n{}\n${fence}\n`
    expect(readSteps(text)).toEqual([
      { line: 4, command: 'one', answer: ['201 {"a":1}'] },
      { line: 6, command: `two -d '{\n  "b": 2\n}' \\\n  --more`, answer: ['x', 'y'] },
    ])
  })

  test('may be those of some blocks alone', () => {
    const text = `${fence}sh\nnpm ci\n${fence}\n${fence}sh\ncurl x\n${fence}\n`
    expect(readSteps(text, block => block.startsWith('curl')).map(({ command }) => command)).toEqual(['curl x'])
  })

  test('come before their answers', () => {
    expect(() => readSteps(`${fence}sh\n# {}\ncurl x\n${fence}\n`)).toThrow('an answer before any call')
  })
})

describe('an answer that is shown', () => {
  const judge = (shown: string, came: string) => differences(readShownAnswer(shown.split('\n')).body, came)

  test('has a status, a body, or both', () => {
    expect(readShownAnswer(['204'])).toEqual({ status: 204, body: { lines: [] } })
    expect(readShownAnswer(['401 {"a":1}'])).toEqual({ status: 401, body: { json: { a: 1 } } })
    expect(readShownAnswer(['401', '{', '  "a": 1', '}'])).toEqual({ status: 401, body: { json: { a: 1 } } })
    expect(readShownAnswer(['HTTP/1.1 303 See Other', 'location: /x']).status).toBe(303)
    expect(readShownAnswer([])).toEqual({ status: undefined, body: { lines: [] } })
  })

  test.each([
    ['{"a":"x…"}', '{"a":"xyz"}'],
    ['{"a":"…/b/…"}', '{"a":"http://c/b/d"}'],
    ['{"a":1,…}', '{"b":2,"a":1}'],
    ['{"a":[1,…]}', '{"a":[1,2,3]}'],
    ['{"at":1795481397,"n":900}', '{"at":1800000000,"n":900}'],
    ['{"at":1795481397.685}', '{"at":1800000000.1}'],
    ['HTTP/1.1 200 OK\n{"b":1,…}', 'HTTP/1.1 200 OK\n\n{"a":2,"b":1}'],
    ['HTTP/1.1 303 …\nlocation: /sign-in?…', 'HTTP/1.1 303 See Other\nvary: x\nlocation: /sign-in?a=b\n\n'],
  ])('%s fits %s', (shown, came) => expect(judge(shown, came)).toEqual([]))

  test.each([
    ['{"a":"x…"}', '{"a":"yz"}'],
    ['{"a":1}', '{"a":1,"b":2}'],
    ['{"a":1,"b":2}', '{"a":1}'],
    ['{"a":1,…}', '{"b":2}'],
    ['{"a":[1]}', '{"a":[1,2]}'],
    ['{"a":[1,2,…]}', '{"a":[1]}'],
    ['{"n":900}', '{"n":901}'],
    ['{"n":900}', '{"n":"900"}'],
    ['{"at":1795481397}', '{"at":900}'],
    ['{"a":{"b":true}}', '{"a":{"b":false}}'],
    ['{"a":1}', 'no JSON'],
    ['second\nfirst', 'first\nsecond'],
    ['a.c', 'abc'],
    ['HTTP/1.1 200 OK\n{"b":1}', 'HTTP/1.1 200 OK\n\n{"a":2,"b":1}'],
  ])('%s does not fit %s', (shown, came) => expect(judge(shown, came)).not.toEqual([]))
})
