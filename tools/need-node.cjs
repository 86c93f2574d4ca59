// Required before every script of the repository, and readable by a Node of any age: the sources are TypeScript, which an older one
// would answer with a stack.
const { engines } = require('../package.json')

const numbers = text => text.match(/\d+/g).map(Number)
const [neededMajor, neededMinor] = numbers(engines.node)
const [major, minor] = numbers(process.versions.node)

if (major < neededMajor || (major === neededMajor && minor < neededMinor)) {
  process.stderr.write(
    `Countersign needs Node ${neededMajor}.${neededMinor} or later, this is ${process.versions.node}.\n` +
      'On Linux (x64, arm64) it comes with `npm ci`, and npm scripts find it; elsewhere: https://nodejs.org\n',
  )
  process.exit(1)
}

// What was stripped of its types once need not be again: the next start takes half the time.
require('node:module').enableCompileCache()
