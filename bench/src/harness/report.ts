import type { Table } from './workload.ts'

/** Markdown that also reads well in a terminal. */
export function renderTable({ title, columns, rows, notes }: Table): string {
  const widths = columns.map((column, n) => Math.max(column.length, ...rows.map(row => (row[n] ?? '').length)))
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, n) => (n === 0 ? cell.padEnd(widths[n] ?? 0) : cell.padStart(widths[n] ?? 0))).join(' | ')} |`
  const rule = `|${widths.map((width, n) => (n === 0 ? '-'.repeat(width + 2) : `${'-'.repeat(width + 1)}:`)).join('|')}|`
  return [`### ${title}`, '', line(columns), rule, ...rows.map(line), ...notes.map(note => `\n${note}`), ''].join('\n')
}
