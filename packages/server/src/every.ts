/** Calls `action` again and again, `milliseconds` apart, until the function that it returns is called. */
export type Every = (milliseconds: number, action: () => void) => () => void

/** The process's own timers; they do not keep it alive. */
export const everyInterval: Every = (milliseconds, action) => {
  const timer = setInterval(action, milliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
