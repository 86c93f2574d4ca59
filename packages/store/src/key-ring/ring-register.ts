/** A place outside the store that holds one text, the same for all nodes: a znode, a key. */
export interface RingRegister {
  /** What stands there; never what stood there before another node was told that its text had taken the place. Throws `StoreUnavailable`. */
  read(): Promise<RegisteredText | undefined>
  /** Takes the place of the text of this stamp, or of none; `'conflict'`: something else stands there. */
  replace(text: string, stamp: string | undefined): Promise<'committed' | 'conflict'>
  /**
   * Calls back when there may be another text, and whenever there is a connection again, or for the first time. Returns how to stop. Whoever listens
   * reads when that has begun, and again at each call: not every change is told to who has not read the one before.
   */
  watch(listener: () => void): () => void
  close(): Promise<void>
}

export interface RegisteredText {
  readonly text: string
  readonly stamp: string
}
