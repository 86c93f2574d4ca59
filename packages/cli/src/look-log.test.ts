import { expect, test } from 'vitest'
import { createLookLog } from './look-log.ts'

test('the log says once why looks at the feed fail, and once that they do not any more', () => {
  const said: unknown[] = []
  const say = (facts: object, text: string): void => void said.push([text.split(' ').slice(0, 3).join(' '), facts])
  const tell = createLookLog({ info: say, warn: say, error: say })
  const failure = new Error('the database role may not do what is needed')
  for (const look of [undefined, failure, failure, undefined, undefined, failure]) tell(look)
  const failed = ['the feed cannot', { cause: failure.message }]
  expect(said).toEqual([failed, ['the feed is', {}], failed])
})
