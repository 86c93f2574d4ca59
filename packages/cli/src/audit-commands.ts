import { once } from 'node:events'
import type { AuditAnchor } from '@countersign/core'
import type { ErrorBody } from '@countersign/protocol'
import type { AuditView, WantedCut } from '@countersign/server'
import { type Command, Option } from 'commander'
import type { AdminCommand } from './admin-socket.ts'
import { type Ask, operate, RefusedCommand } from './administer.ts'
import { type ExportedAudit, exportAudit } from './audit-export.ts'
import type { Configuration } from './configuration.ts'
import { cutOption } from './cut-option.ts'
import { numberOption } from './number-option.ts'

/** The operator's commands about the audit log. */
export function addAuditCommands(program: Command, configured: () => Configuration): void {
  const audit = program.command('audit').description('what was changed, whether the server runs or not')
  audit
    .command('export')
    .description('the audit log, a JSON object a line, each checked against the one before it')
    .option('--after <number>', 'only the rows after this one', numberOption({ least: 0, most: 1e15 - 1 }), 0)
    .action(({ after }: { after: number }) => printAudit(configured(), after))
  audit
    .command('prune')
    .description('remove the rows that are older; that they were removed stands in the log itself')
    .addOption(
      new Option('--before <when>', 'a day, a moment or an age: 2026-01-31, 2026-01-31T12:00:00Z, 365d')
        .argParser(cutOption)
        .makeOptionMandatory(),
    )
    .option('--dry-run', 'say how many it would be, and up to which, and change nothing')
    .action(({ before, dryRun = false }: { before: WantedCut; dryRun?: boolean }) =>
      pruneAudit(configured(), before, dryRun),
    )
}

/** Prints the audit log from the row after a number on; to standard error, where it begins and ends. */
async function printAudit(configuration: Configuration, after: number): Promise<void> {
  // Whoever reads has seen enough (`| head`).
  process.stdout.on('error', () => process.exit())
  await operate(configuration, async ask => {
    const read = (from: number): Promise<readonly AuditView[]> => result(ask, 'audit read', String(from))
    const anchor = await result<AuditAnchor | Record<string, never>>(ask, 'audit anchor', '')
    const removed = 'number' in anchor ? (anchor as AuditAnchor) : undefined
    const exported = await exportAudit({ read, anchor: removed, after }, async line => {
      if (!process.stdout.write(line)) await once(process.stdout, 'drain')
    })
    process.stderr.write(`${describeExport(exported, removed)}\n`)
  })
}

function describeExport({ begin, toldByRow, end }: ExportedAudit, anchor: AuditAnchor | undefined): string {
  const ends = `It ends with row ${end.number}${end.hash && `, ${end.hash}`}.`
  if (toldByRow === undefined || anchor === undefined) return `The log is whole. ${ends}`
  const when = new Date(anchor.prunedAt).toISOString()
  return `The log is whole after row ${begin.number}, ${begin.hash}: up to there it was removed on ${when}, as row ${toldByRow} says. ${ends}`
}

/** Should it be broken off once the rows are removed, the sweep of whatever node runs deletes the rest. */
async function pruneAudit(configuration: Configuration, wanted: WantedCut, isDryRun: boolean): Promise<void> {
  await operate(configuration, async ask => {
    const pruned = await result<object>(ask, 'audit prune', JSON.stringify({ dry_run: isDryRun, ...wanted }))
    for (let isLeft = !isDryRun; isLeft; ) {
      isLeft = (await result<{ deleted: number }>(ask, 'audit delete-pruned', '')).deleted > 0
    }
    process.stdout.write(`${JSON.stringify(pruned, null, 2)}\n`)
  })
}

async function result<T>(ask: Ask, command: AdminCommand, argument: string): Promise<T> {
  const answer = await ask(command, argument)
  if (answer.failed) throw new RefusedCommand(answer.result as ErrorBody)
  return answer.result as T
}
