import { InvalidArgumentError } from 'commander'

export interface NumberOption {
  /** What it counts: `seconds`; absent where the option's own name says it. */
  readonly of?: string
  readonly least: number
  readonly most: number
  /** Default: whole numbers alone. */
  readonly allowsFractions?: boolean
}

/** Reads an option that is a number, as it is written by people: no signs, no exponents, no other bases. What is none, or too small or too large, is refused alike for all of them. */
export function numberOption({ of, least, most, allowsFractions = false }: NumberOption): (text: string) => number {
  const form = allowsFractions ? /^\d{1,15}(\.\d{1,6})?$/ : /^\d{1,15}$/
  const kind = `${allowsFractions ? 'number' : 'whole number'}${of === undefined ? '' : ` of ${of}`}`
  return text => {
    const value = form.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new InvalidArgumentError(`It must be a ${kind} from ${least} to ${most}.`)
  }
}
