/** The element of that id, as what it is. Throws if the page has none. */
export function byId<E extends Element>(id: string, kind: abstract new (...anything: never[]) => E): E {
  const found = document.getElementById(id)
  if (!(found instanceof kind)) throw new TypeError(`The page has no #${id} of that kind.`)
  return found
}

/** Makes an element. Text stays text: nothing is ever read as HTML. */
export function element(
  name: string,
  attributes: Readonly<Record<string, string>> = {},
  ...content: (Node | string)[]
): HTMLElement {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
  made.append(...content)
  return made
}

export function show(target: HTMLElement, visible: boolean): void {
  target.hidden = !visible
}

/** What was typed, by the names of the fields. */
export function fieldsOf(form: HTMLFormElement): Record<string, string> {
  return Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value)]))
}
