import { writeSync } from 'node:fs'
import { designs, unsafeDesign } from './designs.ts'

/** Writes logins and rotations until it is killed, and prints the number of every login that it may answer. */
const [path = '', name = ''] = process.argv.slice(2)
const design = name === 'unsafe' ? await unsafeDesign(path) : await designs[name]?.open(path)
if (!design) throw new Error(`no design ${name}`)

let logins = 1_000_000
async function chain(write: Awaited<ReturnType<typeof unsafeDesign>>['write']): Promise<never> {
  for (;;) {
    if (Math.random() < 0.5) await write({ kind: 'rotation', family: 1 + Math.floor(Math.random() * 1000) })
    else {
      const user = logins++
      await write({ kind: 'login', user })
      writeSync(1, `${user}\n`)
    }
  }
}
for (let n = 0; n < 16; n++) void chain(design.write)
