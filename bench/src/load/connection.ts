import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/**
 * One keep-alive connection with one request under way at a time. Bare sockets, since an HTTP client
 * costs about as much as the servers measured. Understands `Content-Length` and chunked answers that are text.
 */
export interface Connection {
  readonly send: (request: string) => Promise<Answer>
  readonly close: () => void
}

export async function openConnection(host: string, port: number): Promise<Connection> {
  const socket = await connected(host, port)
  let received = ''
  let waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    const answer = completeAnswer(received)
    if (!answer) return
    received = ''
    const done = waiting
    waiting = undefined
    done?.resolve(answer)
  })
  const broken = (error?: Error): void => waiting?.reject(error ?? new Error('the server closed the connection'))
  socket.on('error', broken)
  socket.on('close', () => broken())
  return {
    send: request =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(request, 'latin1')
      }),
    close: () => socket.destroy(),
  }
}

function connected(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true }, () => resolve(socket))
    socket.once('error', reject)
  })
}

function completeAnswer(text: string): Answer | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const body = text.slice(end + 4)
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)
  const complete = length ? body.length >= Number(length[1]) : body.endsWith('0\r\n\r\n')
  return complete ? { status: Number(text.slice(9, 12)), head: text.slice(0, end), body } : undefined
}
