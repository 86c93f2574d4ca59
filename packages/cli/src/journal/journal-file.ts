import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { StoreUnavailable } from '@countersign/store'
import { type AuditMark, beginsWrite, type JournalLine, type LinePlace, type LineReference } from './journal-line.ts'
import type { LineSeal } from './line-seal.ts'

/** The file that revocations are written to besides the store. A node has one of its own, beside the commands that are run with its configuration. */
export interface JournalFile {
  readonly path: string
  readonly seal: LineSeal
  /** Up to where the audit log is in it; `undefined`: the file does not say. */
  mark(): AuditMark | undefined
  /** Written down with what is appended next. */
  moveMark(mark: AuditMark): void
  /** Resolves once the lines are on the disk, and the mark with them. */
  append(lines: readonly JournalLine[], mark?: AuditMark): Promise<void>
  close(): Promise<void>
}

interface Waiting {
  readonly lines: readonly JournalLine[]
  readonly mark: AuditMark | undefined
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** Opens it to append, made for its owner alone if it is missing. Of what stands there the end alone is looked at. */
export async function openJournal(path: string, seal: LineSeal): Promise<JournalFile> {
  const file: FileHandle = await open(path, 'a+', 0o600)
  const end = await readEnd(file, seal)
  let mark = end.mark
  let nextPlace = firstPlace(end.last)
  let written = mark
  let waiting: Waiting[] = []
  let writing: Promise<void> | undefined

  /** What comes while one write is under way is the next one. */
  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await write(batch)
        for (const { done } of batch) done()
      } catch (error) {
        for (const { failed } of batch)
          failed(new StoreUnavailable('the revocation journal cannot be written', { cause: error }))
      }
    }
    writing = undefined
  }

  /** In one call: whoever else appends to the file does so before it or behind it. What was broken off, here or by them, is never cut: another may be writing it. */
  async function write(batch: readonly Waiting[]): Promise<void> {
    const moved = batch.findLast(one => one.mark !== undefined)?.mark ?? mark
    const before = mark
    const lines: JournalLine[] = batch.flatMap(one => one.lines)
    if (moved) lines.push({ through: moved })
    const { writer, number: first } = nextPlace
    const sealed = lines.map((line, place) =>
      seal.seal(line, place === 0 ? nextPlace : { writer, number: first + place }),
    )
    const bytes = Buffer.from(beginsWrite + sealed.map(text => `${text}\n`).join(''))
    try {
      const { bytesWritten } = await file.write(bytes)
      if (bytesWritten < bytes.length) throw new Error('there is no room for it')
      await file.datasync()
    } catch (error) {
      // How many of the lines are there is not known: another writer goes on behind those that are.
      nextPlace = firstPlace(first > 1 ? [{ writer, number: first - 1 }] : nextPlace.after)
      throw error
    }
    if (lines.length > 0) nextPlace = { writer, number: first + lines.length }
    // It may have been moved on meanwhile.
    const reached = moved && withoutLack(moved)
    if (mark === before) mark = reached
    written = reached
  }

  const append: JournalFile['append'] = (lines, moved) =>
    new Promise((done, failed) => {
      waiting.push({ lines, mark: moved, done, failed })
      writing ??= writeAll()
    })

  return {
    path,
    seal,
    mark: () => mark,
    moveMark(moved) {
      mark = moved
    },
    append,
    async close() {
      await writing
      if (mark !== written) await append([]).catch(() => {})
      await file.close()
    },
  }
}

/** What is lacking is said once. */
function withoutLack(mark: AuditMark): AuditMark {
  if (mark.lacksAfter === undefined) return mark
  const { lacksAfter: _, ...reached } = mark
  return reached
}

function firstPlace(after: readonly LineReference[] = []): LinePlace {
  return { writer: randomBytes(9).toString('base64url'), number: 1, ...(after.length > 0 && { after }) }
}

const firstLook = 65_536
const lastLook = 16_777_216

interface FileEnd {
  readonly mark: AuditMark | undefined
  /** The last whole lines, of each writer. */
  readonly last: readonly LineReference[]
}

/** Each write ends with a mark, so that the last one is near. */
async function readEnd(file: FileHandle, seal: LineSeal): Promise<FileEnd> {
  const { size } = await file.stat()
  for (let look = firstLook; ; look *= 4) {
    const length = Math.min(look, size)
    const end = endOf((await readFrom(file, size - length, length)).toString('utf8'), seal)
    if (end.mark !== undefined || length === size || look >= lastLook) return end
  }
}

async function readFrom(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  return buffer.subarray(0, bytesRead)
}

function endOf(text: string, seal: LineSeal): FileEnd {
  const last = new Map<string, number>()
  let mark: AuditMark | undefined
  for (const one of text.split('\n')) {
    const opened = seal.open(one)
    if (opened === undefined) continue
    const { line, place } = opened
    last.set(place.writer, place.number)
    if ('through' in line) mark = withoutLack(line.through)
  }
  return { mark, last: [...last].map(([writer, number]) => ({ writer, number })) }
}
