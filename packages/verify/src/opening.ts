/** A promise whose end is in the hand of whoever made it: `Promise.withResolvers`, which Node 20 does not have. */
export interface Opening<Value> {
  readonly promise: Promise<Value>
  /** Only the first call counts. */
  resolve(value: Value): void
}

export function opening<Value>(): Opening<Value> {
  let resolve: (value: Value) => void = () => {}
  const promise = new Promise<Value>(settle => {
    resolve = settle
  })
  return { promise, resolve }
}
