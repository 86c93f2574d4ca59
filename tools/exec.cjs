#!/usr/bin/env node
// npm runs a script in a shell, and tells that shell alone when it has to end: what the shell has started would go on. `exec` puts the
// program in the shell's place. A shell that does not know the word, as that of Windows, finds this file under it: npm names it in node_modules/.bin.
const { spawn } = require('node:child_process')

const [program = '', ...args] = process.argv.slice(2)
const child = spawn(program, args, { stdio: 'inherit' })
// ^C goes to everybody at the terminal, so the program has it by itself; on Windows `kill` would end it before it could finish.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => void child.kill('SIGTERM'))
child.on('error', error => {
  process.stderr.write(`${program}: ${error.message}\n`)
  process.exitCode = 127
})
child.on('exit', code => {
  process.exitCode = code ?? 1
})
