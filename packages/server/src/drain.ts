/** Whether this node is on its way out: it answers as ever, and says so to those who share out the requests. */
export interface Drain {
  begin(): void
  hasBegun(): boolean
}

export function createDrain(): Drain {
  let begun = false
  return {
    begin() {
      begun = true
    },
    hasBegun: () => begun,
  }
}
