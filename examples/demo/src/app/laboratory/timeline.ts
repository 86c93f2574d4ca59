import { byId, element } from '../page.ts'
import { rowOf, rows } from './rows.ts'
import { type Call, onCall } from './watch.ts'

const linesAtMost = 300

interface Line {
  readonly key: string
  readonly item: HTMLElement
  readonly calls: Call[]
}

/** Shows every request, newest first. The same again and again is one line with a number. */
export function startTimeline(): void {
  const list = byId('timeline', HTMLElement)
  const lines: Line[] = []

  onCall(call => {
    const key = JSON.stringify([call.who, call.what, call.status, call.reason, call.row, call.lost])
    let line = lines.at(-1)
    if (line?.key !== key) {
      line = { key, item: element('li'), calls: [] }
      lines.push(line)
      list.prepend(line.item)
      if (lines.length > linesAtMost) lines.shift()?.item.remove()
    }
    line.calls.push(call)
    draw(line)
  })

  byId('clear-timeline', HTMLButtonElement).addEventListener('click', () => {
    lines.length = 0
    list.replaceChildren()
  })
  const legend = rows.map(({ row, name, meaning }) =>
    element('li', { id: `row-${row}`, value: String(row) }, element('b', {}, name), ` ${meaning}`),
  )
  byId('rows', HTMLElement).replaceChildren(...legend)
}

function draw({ item, calls }: Line): void {
  const [call] = calls as [Call]
  const { who, what, started, status, reason, row, lost } = call
  const decided = rowOf(row)
  const tone = lost || status === 0 ? 'lost' : status < 400 ? 'good' : 'bad'
  item.className = `call ${tone}`
  item.replaceChildren(
    element('time', { class: 'number' }, clockTime(started)),
    element('span', { class: 'who' }, who),
    element('span', { class: 'what' }, what, ...(calls.length > 1 ? [element('b', {}, ` × ${calls.length}`)] : [])),
    element('span', { class: 'answer' }, status === 0 ? 'no answer' : String(status), ...(lost ? [' (lost)'] : [])),
    element('span', { class: 'number duration' }, durations(calls)),
    ...(reason === undefined ? [] : [element('code', { class: 'reason' }, reason)]),
    ...(decided === undefined
      ? []
      : [
          element('a', { class: 'row', href: `#row-${decided.row}` }, `row ${decided.row}: ${decided.name}`),
          element('span', { class: 'meaning' }, decided.meaning),
        ]),
  )
}

function durations(calls: readonly Call[]): string {
  const all = calls.map(({ milliseconds }) => Math.round(milliseconds))
  const [least, most] = [Math.min(...all), Math.max(...all)]
  return least === most ? `${most} ms` : `${least} to ${most} ms`
}

function clockTime(milliseconds: number): string {
  const time = new Date(milliseconds)
  const parts = [time.getHours(), time.getMinutes(), time.getSeconds()].map(part => String(part).padStart(2, '0'))
  return `${parts.join(':')}.${String(time.getMilliseconds()).padStart(3, '0')}`
}
