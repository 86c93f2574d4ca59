/** What an operator declares wrongly stops the server: closed, not open (RFC 9700 §4.1). Says what and where, never a secret. */
export class WrongDeclaration extends Error {
  override readonly name = 'WrongDeclaration'
  /** All that is wrong, a sentence each. */
  readonly faults: readonly string[]

  constructor(...faults: string[]) {
    super(faults.length === 1 ? faults[0] : ['What is declared is not valid:', ...faults].join('\n  '))
    this.faults = faults
  }
}

/** Does each of them, and says what is wrong with any of them together. */
export function judgeAll<Judged extends readonly unknown[]>(
  ...judges: { readonly [Index in keyof Judged]: () => Judged[Index] }
): Judged {
  const faults: string[] = []
  const judged = judges.map(judge => {
    try {
      return judge()
    } catch (error) {
      if (!(error instanceof WrongDeclaration)) throw error
      faults.push(...error.faults)
      return undefined
    }
  })
  if (faults.length > 0) throw new WrongDeclaration(...faults)
  return judged as unknown as Judged
}
