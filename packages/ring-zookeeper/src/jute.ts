/*
 * ZooKeeper's encoding ("jute"): big-endian numbers; a text or buffer is its length (-1: none) and its bytes. Only what the key ring needs.
 */

export function int(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A long of nothing but zeros: no transaction seen, no session to go on with. */
export const noLong: Buffer = Buffer.alloc(8)

export function bool(value: boolean): Buffer {
  return Buffer.of(value ? 1 : 0)
}

/** A text (UTF-8) or buffer. */
export function bytes(value: string | Buffer): Buffer {
  const content = Buffer.from(value)
  return Buffer.concat([int(content.length), content])
}

/** What is read does not fit its encoding: nothing after it can be understood either. */
export class Garbled extends Error {
  override readonly name = 'Garbled'
}

/** Reads one message from its beginning to its end. */
export interface Reader {
  int(): number
  /** Passes over what nobody asks for. */
  skip(length: number): void
  bytes(): Buffer
}

export function readerOf(message: Buffer): Reader {
  let offset = 0
  function take(length: number): Buffer {
    if (length < 0 || offset + length > message.length) throw new Garbled('a message of ZooKeeper is too short')
    offset += length
    return message.subarray(offset - length, offset)
  }
  const readInt = (): number => take(4).readInt32BE()
  return {
    int: readInt,
    skip: length => void take(length),
    bytes() {
      const length = readInt()
      return length === -1 ? Buffer.alloc(0) : take(length)
    },
  }
}
