import { type ReasonRow, reasons } from '@countersign/protocol'

/** Where a reader of the page starts. */
const preface = `# Refusals

Every refusal is \`{ "error", "error_description", "reason" }\`, with the header \`Countersign-Reason\`. \`error\` is the
RFC's word, \`reason\` is ours: one stable word for each cause, never renamed, so programs may branch on it.
\`error_description\` is the text below, or says more; it is for developers and may change. Where telling the exact cause
would help an attacker, several causes share one reason.

A status of 429 or 503 is no judgement on what was presented: try again, after \`Retry-After\` if it is there.

This page is written by \`npm run docs:errors\` from the table in
[packages/protocol/src/reasons.ts](../packages/protocol/src/reasons.ts), and a test keeps them equal.
`

/** The text of docs/errors.md. */
export function errorsDocument(table: Readonly<Record<string, ReasonRow>> = reasons): string {
  const rows = Object.entries(table).map(
    ([reason, { error, status, text, source }]) => `| \`${reason}\` | ${status} | \`${error}\` | ${text} | ${source} |`,
  )
  return `${preface}
| Reason | Status | Error | Text | Source |
|---|---|---|---|---|
${rows.join('\n')}
`
}
