import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readCommand } from './command-line.ts'

test('a seed is replayed, a number of seeds or minutes is played, a thousand seeds by default', () => {
  expect(readCommand(['--seed', '7'])).toEqual({ do: 'replay', seed: 7, json: false })
  expect(readCommand(['--seeds', '20', '--json', '--from', '5'])).toEqual({
    do: 'seeds',
    first: 5,
    count: 20,
    json: true,
  })
  expect(readCommand(['--minutes', '0.5'])).toEqual({ do: 'minutes', first: 1, minutes: 0.5, json: false })
  expect(readCommand(['--seed', '7', '--break', 'there is no grace'])).toEqual({
    do: 'replay',
    seed: 7,
    json: false,
    breaks: 'there is no grace',
  })
  expect(readCommand([])).toEqual({ do: 'seeds', first: 1, count: 1_000, json: false })
})

test.each([
  [['--sedes', '5'], /--sedes/],
  [['--seed'], /seed/],
  [['--seed', 'abc'], /--seed must be a whole number/],
  [['--seed', '-3'], /seed/],
  [['--seeds', '0'], /--seeds must be a whole number from 1/],
  [['--minutes', '0'], /--minutes must be a number above zero/],
  [['--minutes', 'Infinity'], /--minutes must be a number above zero/],
  [['--seed', '1', '--seeds', '2'], /only one/],
  [['--seed', '1', '--from', '2'], /--from does not go/],
  [['7'], /7/],
])('%j gets a message that says what is wrong', (words, message) => {
  expect(() => readCommand(words)).toThrow(message)
})

describe('as a command', { timeout: 120_000 }, () => {
  const simulate = (...words: string[]) => {
    const main = join(import.meta.dirname, 'main.ts')
    const checked = join(import.meta.dirname, '../../tools/need-node.cjs')
    // As `npm run simulate` starts it.
    const flags = ['-r', checked, '--conditions=@countersign/source']
    return spawnSync(process.execPath, [...flags, main, ...words], { encoding: 'utf8' })
  }

  test('--json ends with one line that says what was played; it exits 0 if no promise was broken', () => {
    const { status, stdout } = simulate('--seeds', '5', '--json')
    const last = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, unknown>
    expect(status).toBe(0)
    expect(Object.keys(last)).toEqual(['seeds', 'events', 'violations', 'rows', 'faults'])
    expect(last).toMatchObject({ seeds: 5, violations: 0, rows: { 1: expect.any(Number), 10: expect.any(Number) } })
  })

  test('a seed is told as a story, and --json ends it with the same line', () => {
    const { status, stdout } = simulate('--seed', '7', '--json')
    const lines = stdout.trimEnd().split('\n')
    expect(status).toBe(0)
    expect(lines[0]).toMatch(/^This is seed 7: \d nodes?, /)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ seeds: 1, violations: 0 })
  })

  test('--minutes ends in time, and says so in the same way', () => {
    const { status, stdout } = simulate('--minutes', '0.02', '--json')
    expect(status).toBe(0)
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ violations: 0 })
  })

  test('what is broken is told as a short story, with how to play it again; it exits 1', () => {
    const broken = simulate('--seeds', '2', '--json', '--break', 'a fast-forward rotates')
    expect(broken.status).toBe(1)
    expect(broken.stdout).toMatch(/Seed \d+ breaks a promise at [\d:.]+: /)
    const again = /Replay: npm run simulate -- --seed (\d+) --break "a fast-forward rotates"/.exec(broken.stdout)
    const replayed = simulate('--seed', again?.[1] ?? '', '--break', 'a fast-forward rotates')
    expect(replayed.status).toBe(1)
    expect(replayed.stdout).toContain('BROKEN at')
  })

  test.each([
    ['--seed', 'x'],
    ['--break', 'nothing that is known'],
  ])('%s %s is refused with a sentence and the usage; it exits 2', (...words) => {
    const { status, stdout, stderr } = simulate(...words)
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toContain(words[0])
    expect(stderr).toContain('Usage: npm run simulate')
  })
})
