import { join } from 'node:path'
import { startNodes } from './start-nodes.ts'

const running = await startNodes({
  configuration: join(import.meta.dirname, '../countersign.json'),
  port: Number(process.env.COUNTERSIGN_PORT ?? 4400),
})

process.stdout.write(`Countersign answers at ${running.issuer} (nginx)
  nodes      ${running.nodes.map(node => node.address).join('  ')}
  database   ${running.database.url}
  valkey     ${running.valkey?.url ?? 'none: neither Valkey nor Redis is installed'}

Enter restarts all nodes, one after the other. ^C ends everything; nothing is kept.
`)

process.stdin.on('data', () => {
  process.stdout.write('Restarting …\n')
  running.restartEach().then(
    codes => process.stdout.write(`Restarted; they ended with ${codes.join(', ')}.\n`),
    (error: unknown) => process.stdout.write(`${String(error)}\n`),
  )
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void running.close().then(() => process.exit(0)))
}
