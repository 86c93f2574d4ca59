import { readFileSync, writeFileSync } from 'node:fs'
import { renderTable } from './report.ts'
import type { Aim, Table } from './workload.ts'

const begin = '<!-- Figures: written by npm run bench -- --write. Changes here are lost. -->'
const end = '<!-- End of figures. -->'

/** Puts what was measured between the two marks of a page; the text around them is kept. */
export function writeFigures(
  path: string,
  figures: { facts: readonly string[]; tables: readonly Table[]; aims: readonly Aim[] },
): void {
  const page = readFileSync(path, 'utf8')
  const [from, to] = [page.indexOf(begin), page.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${path} has no place for figures: it needs the lines\n${begin}\n${end}`)
  const facts = figures.facts.map(fact => `- ${fact}`).join('\n')
  const body = [facts, renderTable(aimsTable(figures.aims)), ...figures.tables.map(renderTable)].join('\n\n')
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
