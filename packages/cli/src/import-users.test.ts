import { setImmediate } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { type FileLine, fileLines, lineBytesAtMost } from './file-lines.ts'
import { importLines, type Progress } from './import-users.ts'

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size)
}

async function readAll(bytes: Buffer, size: number): Promise<FileLine[]> {
  const read: FileLine[] = []
  for await (const line of fileLines(inChunks(bytes, size))) read.push(line)
  return read
}

test.each([1, 3, 1_000_000])('lines are read whole, however they come (%d bytes at a time)', async size => {
  const long = 'x'.repeat(lineBytesAtMost)
  const bytes = Buffer.concat([
    Buffer.from('\ufeff{"ä": 1}\r\n\n'),
    Buffer.from([0xff, 0x0a]),
    Buffer.from(`${long}\n${long}x\nend`),
  ])
  expect(await readAll(bytes, size)).toEqual([
    { line: 1, text: '{"ä": 1}\r' },
    { line: 2, text: '' },
    { line: 3, text: undefined },
    { line: 4, text: long },
    { line: 5, text: undefined },
    { line: 6, text: 'end' },
  ])
})

test('of a file without end no more is held than a batch, and a line that never ends is not held at all', async () => {
  let produced = 0
  let waiting = 0
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (; produced < 2_000; produced++) {
      await setImmediate()
      yield Buffer.from(produced < 1_000 ? `{"email": "u${produced}@example.com"}\n` : 'x'.repeat(65_536))
    }
  }
  const said: Progress[] = []
  const outcome = await importLines({
    chunks: endless(),
    async ask(_command, argument) {
      const { lines: sent } = JSON.parse(argument) as { lines: { line: number }[] }
      waiting = Math.max(waiting, produced - (sent.at(0)?.line ?? produced))
      return { failed: false, result: { imported: sent.length, nameless: 1, there: 0, refused: [] } }
    },
    isDryRun: false,
    print: async () => {},
    progress: one => void said.push(one),
  })
  expect(outcome).toEqual({ line: 1_001, imported: 1_000, nameless: 11, there: 0, refused: 1 })
  expect(waiting).toBeLessThanOrEqual(100)
  expect(said).toHaveLength(11)
})
