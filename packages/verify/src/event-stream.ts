/** One server-sent event (WHATWG HTML §9.2). */
export interface ServerSentEvent {
  readonly event: string
  readonly data: string
  /** The last id that the stream has named so far. */
  readonly id: string | undefined
}

/**
 * Reads a stream of server-sent events from chunks of text. Throws a RangeError if one event grows beyond
 * `charactersAtMost`.
 */
export function eventStream(
  onEvent: (event: ServerSentEvent) => void,
  charactersAtMost: number,
): { push(chunk: string): void } {
  let rest: string[] = []
  let characters = 0
  let endedInReturn = false
  let event = ''
  let dataLines: string[] = []
  let id: string | undefined

  function line(text: string): void {
    if (text === '') {
      if (dataLines.length > 0) onEvent({ event: event === '' ? 'message' : event, data: dataLines.join('\n'), id })
      event = ''
      dataLines = []
      characters = 0
      return
    }
    const colon = text.indexOf(':')
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') event = value
    else if (field === 'data') dataLines.push(value)
    else if (field === 'id' && !value.includes('\0')) id = value
  }

  return {
    push(chunk) {
      characters += chunk.length
      if (characters > charactersAtMost) throw new RangeError('an event is too large')
      // A pair of return and newline may be cut in two by the chunks.
      let start = endedInReturn && chunk[0] === '\n' ? 1 : 0
      endedInReturn = chunk.endsWith('\r')
      const ends = /\r\n|\r|\n/g
      ends.lastIndex = start
      for (let end = ends.exec(chunk); end !== null; end = ends.exec(chunk)) {
        rest.push(chunk.slice(start, end.index))
        const whole = rest.join('')
        rest = []
        start = ends.lastIndex
        line(whole)
      }
      if (start < chunk.length) rest.push(chunk.slice(start))
    },
  }
}
