export interface Row {
  readonly row: number
  readonly name: string
  readonly meaning: string
}

/** The ten rows of the refresh table in a few words each (docs/refresh.md has them in full). */
export const rows: readonly Row[] = [
  { row: 1, name: 'not ours', meaning: 'Malformed, or its mark is wrong: refused, and no login is touched.' },
  {
    row: 2,
    name: 'wrong hands',
    meaning:
      'A real token without the proof of its key, or from another client: refused and written down. The login lives on.',
  },
  { row: 3, name: 'over', meaning: 'The login has ended, or what it was authorised under has been revoked.' },
  {
    row: 4,
    name: 'fast-forward',
    meaning: 'Later than the store remembers, so the store forgot: the token is believed.',
  },
  { row: 5, name: 'rotate', meaning: 'The current token: its successor is answered.' },
  {
    row: 6,
    name: 'unchanged',
    meaning: 'The current token, younger than its minimum life: a new access token, and nothing else changes.',
  },
  {
    row: 7,
    name: 'replay',
    meaning: 'An earlier token with a fresh proof of its key: the lost answer is given again, however late.',
  },
  {
    row: 8,
    name: 'replay, in time',
    meaning: 'The token before, without a key, within the grace: the answer is given again.',
  },
  {
    row: 9,
    name: 'late credit',
    meaning: 'The token before, without a key, too late: forgiven this once, and written down.',
  },
  {
    row: 10,
    name: 'reuse',
    meaning: 'An earlier token without a key, and no credit left: two hands hold this login, so it ends.',
  },
]

export function rowOf(number: number | undefined): Row | undefined {
  return rows.find(({ row }) => row === number)
}

/** `row 5, rotate` */
export function rowInWords(number: number | undefined): string {
  const found = rowOf(number)
  return found === undefined ? 'no row' : `row ${found.row}, ${found.name}`
}
