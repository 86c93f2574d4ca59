import type { Browser } from '../../../packages/server/src/testing/browser.ts'
import { beginWith, pathOf } from '../../../packages/server/src/testing/connected.ts'
import type { DyingNodes } from './dying.ts'
import { newAddress } from './people.ts'

let strangers = 0

/** The next who comes to the provider is somebody else. */
export function newPerson({ around }: DyingNodes): { sub: string; email: string } {
  const somebody = { sub: `person-${++strangers}`, email: newAddress() }
  around.work.person = { ...around.work.person, ...somebody }
  around.facebook.person = { ...around.facebook.person, id: `90${strangers}`, email: newAddress() }
  return somebody
}

/** To the provider; the path that the browser comes back to. */
export async function backFromProvider({ around }: DyingNodes, page: Browser, way?: string): Promise<string> {
  const there = way === undefined ? await beginWith(page, 'work') : String((await page.get(way)).headers.location)
  return pathOf(await around.work.visit(there))
}

export async function wayOn(page: Browser, path: string): Promise<string> {
  const { text } = await page.get(path)
  return /href="(\/connections\/work\?[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&') ?? ''
}
