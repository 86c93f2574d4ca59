import type { Page } from 'playwright-core'

/** A node of the accessibility tree, as the DevTools protocol gives it. */
interface Node {
  readonly nodeId: string
  readonly childIds?: readonly string[]
  readonly ignored: boolean
  readonly role?: { readonly value: string }
  readonly name?: { readonly value: string }
  readonly description?: { readonly value: string }
  readonly properties?: readonly { readonly name: string; readonly value: { readonly value: unknown } }[]
}

/** Roles that are said; of all others only what is in them. */
const said = new Set([
  ...['RootWebArea', 'banner', 'main', 'contentinfo', 'navigation', 'heading', 'alert', 'status', 'list'],
  ...['textbox', 'button', 'link', 'StaticText'],
])

/** What they hold is their name, and has been said with it. */
const namedByText = new Set(['heading', 'button', 'link'])

/** What a screen reader gets of a page, in its order, a line each: role, name, and what is said of it. */
export async function whatIsRead(page: Page): Promise<readonly string[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = (await session.send('Accessibility.getFullAXTree')) as { nodes: readonly Node[] }
  await session.detach()
  const byId = new Map(nodes.map(node => [node.nodeId, node]))
  const lines: string[] = []
  const read = (node: Node | undefined, around: string): void => {
    if (node === undefined) return
    const name = node.name?.value ?? ''
    const isSaid = !node.ignored && said.has(node.role?.value ?? '')
    const isRepeated = node.role?.value === 'StaticText' && around.includes(name)
    if (isSaid && !isRepeated) lines.push(lineOf(node))
    for (const id of node.childIds ?? [])
      read(byId.get(id), isSaid && namedByText.has(node.role?.value ?? '') ? name : around)
  }
  read(nodes[0], '')
  return lines
}

function lineOf({ role, name, description, properties = [] }: Node): string {
  const say = (property: string): string => {
    const value = properties.find(one => one.name === property)?.value.value
    if (value === undefined || value === false || value === 'false') return ''
    return value === true || value === 'true' ? ` ${property}` : ` ${property} ${value}`
  }
  const text = name?.value ? ` "${name.value}"` : ''
  const more = description?.value ? ` (${description.value})` : ''
  const kind = role?.value === 'StaticText' ? 'text' : role?.value
  return `${kind}${text}${say('level')}${say('required')}${say('invalid')}${more}`
}

/** Where the focus is: the name of what has it, and what a person who looks for it sees. */
export function focusOf(page: Page): Promise<{ name: string; ring: number; isInView: boolean }> {
  return page.evaluate(() => {
    const element = document.activeElement ?? document.body
    const label = element instanceof HTMLInputElement ? element.labels?.[0]?.textContent : element.textContent
    const { outlineStyle, outlineWidth } = getComputedStyle(element)
    const { top, bottom, left, right } = element.getBoundingClientRect()
    return {
      name: element === document.body ? '' : (label ?? '').trim(),
      ring: outlineStyle === 'none' ? 0 : Number.parseFloat(outlineWidth),
      isInView: top > -1 && left > -1 && bottom < innerHeight + 1 && right < innerWidth + 1,
    }
  })
}
