import { configurationOf, endOnSignal, explain } from '@countersign/cli'
import { Command } from 'commander'
import { greeting } from './greeting.ts'
import { startDemo } from './start-demo.ts'

const program = new Command('npm start --')
  .description('Starts Countersign with an example API and an example single-page app.')
  .option('--port <number>', 'port of the server; API, app and web app take the next that are free (default: 4400)')
  .option('--data <folder>', 'where everything is kept (default: ./data)')
  .option('--database <url>', 'PostgreSQL, for many nodes (default: everything is in the data folder)')
  .option('--valkey <url>', 'Valkey or Redis: nodes hear of each other at once (default: by the database alone)')
  .option('--issuer <url>', 'public address of the server (default: http://127.0.0.1:PORT)')
  .showHelpAfterError()
  .addHelpText(
    'after',
    '\nEach is also an environment variable (COUNTERSIGN_PORT, COUNTERSIGN_DATA …), and so are the API’s secret\n(COUNTERSIGN_DEMO_API_SECRET) and the master key (COUNTERSIGN_MASTER_KEY). A countersign.json here is read too.',
  )
  .parse()

try {
  const issuerIsOfFile = program.opts().issuer === undefined && !process.env.COUNTERSIGN_ISSUER
  const demo = await startDemo(configurationOf(program.opts()), process.env, { issuerIsOfFile })
  endOnSignal(demo.close)
  process.stdout.write(greeting(demo))
} catch (error) {
  process.stderr.write(`countersign: ${explain(error)}\n`)
  // Some of it may run by now. What could not start as a whole does not stay in part.
  process.exit(1)
}
