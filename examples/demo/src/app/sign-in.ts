import type { Countersign, SignInRefusal } from '@countersign/app'
import { signUp } from '@countersign/app/account'
import { handleRedirect, signInWithRedirect } from '@countersign/app/redirect'
import { byId, fieldsOf, show } from './page.ts'

/** The three ways in: password, a new account, and the issuer's own pages. */
export async function startSignIn(countersign: Countersign): Promise<void> {
  const form = byId('sign-in-form', HTMLFormElement)
  const problem = byId('sign-in-problem', HTMLElement)
  const tell = (text: string): void => {
    problem.textContent = text
    show(problem, text !== '')
  }

  async function enter(work: () => Promise<SignInRefusal | { refused: false } | undefined>): Promise<void> {
    tell('')
    // What is inert loses the focus, and somebody is typing here.
    const focused = document.activeElement
    form.inert = true
    try {
      const result = await work()
      if (result?.refused) tell(textOf(result))
      else if (result) form.reset()
    } catch {
      tell('The server cannot be reached right now. Try again in a moment.')
    } finally {
      form.inert = false
      if (focused instanceof HTMLElement && form.contains(focused)) focused.focus()
    }
  }

  form.addEventListener('submit', event => {
    event.preventDefault()
    const { email = '', password = '' } = fieldsOf(form)
    const wantsAccount = event.submitter?.id === 'sign-up'
    void enter(async () => {
      if (wantsAccount) {
        const created = await signUp(countersign, { email, password })
        if (created.refused) return created
      }
      return countersign.signIn({ email, password })
    })
  })

  byId('hosted-sign-in', HTMLButtonElement).addEventListener('click', () => void signInWithRedirect(countersign))
  await enter(() => handleRedirect(countersign))
}

function textOf({ reason, description, retryAfterSeconds }: SignInRefusal): string {
  if (reason === 'login_failed') return 'The address or the password is wrong.'
  if (retryAfterSeconds > 0) return `${description} Try again in ${Math.ceil(retryAfterSeconds)} s.`
  return description
}
