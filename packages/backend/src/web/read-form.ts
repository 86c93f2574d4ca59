export function isForm(request: Request): boolean {
  return request.headers.get('content-type')?.startsWith('application/x-www-form-urlencoded') ?? false
}

/** The body as a form; `undefined`: it is longer, whatever it says of its length, and was read no further. Anybody can send one. */
export async function readForm(request: Request, bytesAtMost: number): Promise<URLSearchParams | undefined> {
  const parts: Uint8Array[] = []
  const reader = request.body?.getReader()
  for (let bytes = 0; ; ) {
    const part = (await reader?.read())?.value
    if (part === undefined) return new URLSearchParams(Buffer.concat(parts).toString())
    bytes += part.byteLength
    // Not cancelled: that would cut the line before there is an answer.
    if (bytes > bytesAtMost) return undefined
    parts.push(part)
  }
}
