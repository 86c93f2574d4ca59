import { installTestNeeds, testNeeds } from './test-needs.ts'

const complete = await installTestNeeds(testNeeds, {
  environment: process.env,
  isRoot: process.getuid?.() === 0,
  say: line => process.stdout.write(`${line}\n`),
})
if (!complete) process.exitCode = 1
