import { expect, test } from 'vitest'
import { inStep } from './in-step.ts'

test('what arrives in one turn of the loop goes step by step, beside each other', async () => {
  const steps: string[] = []
  const request = async (name: string): Promise<void> => {
    await inStep()
    for (const step of ['read', 'sign', 'write']) {
      steps.push(`${step} ${name}`)
      await undefined
    }
  }
  await Promise.all([request('a'), request('b'), request('c')])
  expect(steps).toEqual(['read', 'sign', 'write'].flatMap(step => ['a', 'b', 'c'].map(name => `${step} ${name}`)))
})

test('what comes later is not waited for', async () => {
  const first = inStep()
  await first
  const second = inStep()
  expect(second).not.toBe(first)
  await second
})
