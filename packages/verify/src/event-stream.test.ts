import { expect, test } from 'vitest'
import { eventStream, type ServerSentEvent } from './event-stream.ts'

function read(chunks: readonly string[]): ServerSentEvent[] {
  const events: ServerSentEvent[] = []
  const stream = eventStream(event => events.push(event), 1_000)
  for (const chunk of chunks) stream.push(chunk)
  return events
}

const text =
  ': hello\nid: 1.2\nevent: entries\ndata: {"a":\ndata:1}\n\nevent: heartbeat\ndata: \n\nretry: 5\n\ndata: x\n\nevent: cut'

test('events are read with their names, ids and lines', () => {
  expect(read([text])).toEqual([
    { event: 'entries', data: '{"a":\n1}', id: '1.2' },
    { event: 'heartbeat', data: '', id: '1.2' },
    { event: 'message', data: 'x', id: '1.2' },
  ])
})

test('they read the same however the stream is cut and whatever ends its lines', () => {
  const expected = read([text])
  for (const newline of ['\n', '\r\n', '\r']) {
    const written = text.replaceAll('\n', newline)
    for (let size = 1; size < written.length; size++) {
      const chunks: string[] = []
      for (let start = 0; start < written.length; start += size) chunks.push(written.slice(start, start + size))
      expect(read(chunks)).toEqual(expected)
    }
  }
})

test('an event that never ends is refused', () => {
  expect(() => read(Array.from({ length: 20 }, () => `data: ${'x'.repeat(100)}\n`))).toThrow(RangeError)
  expect(() => read(['x'.repeat(1_001)])).toThrow(RangeError)
})
