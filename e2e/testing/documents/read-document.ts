/** A call of a document, and what the document says that it is answered with. */
export interface Step {
  /** Of the call in its file. */
  readonly line: number
  /** What a reader would type: one command of the shell, perhaps of several lines. */
  readonly command: string
  /** The lines of the answer, without their `# `. */
  readonly answer: readonly string[]
}

/**
 * The commands of a document's `sh` blocks, in their order. Comment lines below a command are its answer:
 *
 *     ```sh
 *     curl $ISSUER/health
 *     # {"status":"ok"}
 *     ```
 *
 * @param isRun which of the blocks; all of them if absent.
 */
export function readSteps(text: string, isRun: (block: string) => boolean = () => true): Step[] {
  const blocks = [...text.matchAll(/^```sh\n([\s\S]*?)^```$/gm)]
  return blocks.flatMap(({ 1: block = '', index }) => {
    const firstLine = text.slice(0, index).split('\n').length + 1
    return isRun(block) ? stepsOf(block, firstLine) : []
  })
}

function stepsOf(block: string, firstLine: number): Step[] {
  const steps: { line: number; command: string; answer: string[] }[] = []
  let open = ''
  for (const [place, line] of block.split('\n').entries()) {
    if (open === '' && line.trim() === '') continue
    if (open === '' && line.startsWith('#')) {
      const step = steps.at(-1)
      if (step === undefined) throw new Error(`line ${firstLine + place}: an answer before any call`)
      step.answer.push(line.replace(/^# ?/, ''))
      continue
    }
    const isBegun = open !== ''
    open = isBegun ? `${open}\n${line}` : line
    const step = steps.at(-1)
    if (isBegun && step !== undefined) step.command = open
    else steps.push({ line: firstLine + place, command: open, answer: [] })
    if (isComplete(open)) open = ''
  }
  return steps
}

/** No line that goes on, and no quotation that is open. */
function isComplete(command: string): boolean {
  const quotes = command.replace(/\\./g, '').match(/'[^']*'?|"[^"]*"?/g) ?? []
  return !command.endsWith('\\') && quotes.every(quote => quote.length > 1 && quote.endsWith(quote.charAt(0)))
}
