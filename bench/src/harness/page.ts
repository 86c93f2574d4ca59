import { readFileSync, writeFileSync } from 'node:fs'
import { renderTable } from './report.ts'
import type { Aim, Table } from './workload.ts'

const begin = '<!-- Figures: written by npm run bench -- --write. Changes here are lost. -->'
const end = '<!-- End of figures. -->'

export interface Figures {
  /** What they were seen on; the first says when. */
  readonly facts: readonly string[]
  readonly tables: readonly Table[]
  readonly aims: readonly Aim[]
}

/**
 * Puts what was measured between the two marks of a page; the text around them is kept. `partly`: only some of what the page tells was measured. Then tables of other
 * titles and aims of other names stay, and so do the facts of their day; each new table says its own.
 */
export function writeFigures(path: string, figures: Figures, { partly = false }: { partly?: boolean } = {}): void {
  const page = readFileSync(path, 'utf8')
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${path} has no place for figures: it needs the lines\n${begin}\n${end}`)
  const body = partly ? mergedInto(page.slice(from + begin.length, to), figures) : bodyOf(figures)
  writeFileSync(path, `${page.slice(0, from)}${begin}\n\n${body}\n${page.slice(to)}`)
}

export function aimsTable(aims: readonly Aim[]): Table {
  return {
    title: 'Aims',
    columns: ['', 'aim', 'reached', ''],
    rows: aims.map(({ what, aim, reached, met }) => [what, aim, reached, met ? 'yes' : 'no']),
    notes: [],
  }
}

function bodyOf({ facts, tables, aims }: Figures): string {
  return [facts.map(fact => `- ${fact}`).join('\n'), renderTable(aimsTable(aims)), ...tables.map(renderTable)].join(
    '\n\n',
  )
}

/** What stands there, with the new in the place of what bears the same title, or behind it. */
function mergedInto(before: string, { facts, tables, aims }: Figures): string {
  const [head = '', ...sections] = before.trim().split(/\n+(?=### )/)
  const titleOf = (section: string): string => section.slice('### '.length, section.indexOf('\n'))
  const body = new Map(sections.map(section => [titleOf(section), `${section}\n`]))
  const kept = rowsOf(body.get('Aims') ?? '').filter(([what]) => aims.every(aim => aim.what !== what))
  const ours = aimsTable(aims)
  body.set('Aims', renderTable({ ...ours, rows: [...kept, ...ours.rows] }))
  const day = facts.filter(fact => /^(Date|The machine)/.test(fact)).join('. ')
  for (const table of tables)
    body.set(table.title, renderTable({ ...table, notes: [...table.notes, `${day}.`.replace('..', '.')] }))
  return [head, ...body.values()].join('\n\n')
}

/** The cells of a table that `renderTable` made. */
function rowsOf(section: string): string[][] {
  const lines = section.split('\n').filter(line => line.startsWith('| '))
  return lines.slice(1).map(line =>
    line
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  )
}
