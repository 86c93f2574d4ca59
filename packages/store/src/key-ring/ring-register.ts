/** A place outside the store that holds one text, the same for all nodes: a znode, a key. */
export interface RingRegister {
  /** What stands there; never what stood there before another node was told that its text had taken the place. Throws `StoreUnavailable`. */
  read(): Promise<RegisteredText | undefined>
  /** Takes the place of the text of this stamp, or of none; `'conflict'`: something else stands there. */
  replace(text: string, stamp: string | undefined): Promise<'committed' | 'conflict'>
  /** Calls back when there may be another text, after connections that broke as well. Returns how to stop. */
  watch(listener: () => void): () => void
  close(): Promise<void>
}

export interface RegisteredText {
  readonly text: string
  readonly stamp: string
}
