/** A line of a file; `undefined`: it is too long, or no UTF-8. */
export interface FileLine {
  readonly line: number
  readonly text: string | undefined
}

/** Bytes: many times what anybody's data needs. */
export const lineBytesAtMost = 65_536

const newline = 0x0a

/** The lines of a stream, by their numbers, without holding more than one. What is left out is empty. */
export async function* fileLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesAtMost: number = lineBytesAtMost,
): AsyncGenerator<FileLine> {
  let parts: Uint8Array[] = []
  let bytes = 0
  let line = 1
  const take = (): FileLine => {
    const text = bytes > bytesAtMost ? undefined : decoded(Buffer.concat(parts))
    const taken = { line: line++, text }
    parts = []
    bytes = 0
    return taken
  }
  for await (const chunk of chunks) {
    let rest = chunk
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      add(rest.subarray(0, end))
      yield take()
      rest = rest.subarray(end + 1)
    }
    add(rest)
  }
  if (bytes > 0) yield take()

  /** Of a line that is too long only that it is. */
  function add(part: Uint8Array): void {
    bytes += part.length
    if (bytes <= bytesAtMost) parts.push(part)
    else parts = []
  }
}

function decoded(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}
