import type { Reason } from '@countersign/protocol'
import type { Html } from './html.ts'

/** A message for the person at the screen: what happened, and what can be done. */
export interface Message {
  readonly title: string
  readonly advice: string
}

/** Every text of the hosted pages. A translation is one value of this type; sentences with a hole are functions, so word order is free. */
export interface Texts {
  /** BCP 47, for `<html lang>` and for dates and numbers. */
  readonly language: string
  readonly direction: 'ltr' | 'rtl'
  readonly errorTitle: (title: string) => string
  readonly addressHint: (host: Html) => Html
  readonly optional: string
  readonly email: string
  readonly password: string
  readonly time: { readonly justNow: string; readonly unknown: string }
  readonly signIn: {
    readonly title: string
    readonly toContinue: (application: Html) => Html
    readonly toAccount: string
    readonly toDevice: string
    readonly submit: string
    readonly signUpQuestion: string
    readonly signUpLink: string
  }
  readonly connections: {
    readonly or: string
    readonly continueWith: (title: string) => string
  }
  readonly signUp: {
    readonly title: string
    readonly toContinue: (application: Html) => Html
    readonly name: string
    readonly passwordHint: (minLength: number) => string
    readonly submit: string
    readonly signInQuestion: string
    readonly signInLink: string
  }
  readonly account: {
    readonly title: string
    readonly greeting: string
    readonly signOut: string
    readonly sessions: string
    readonly sessionsHint: string
    readonly noSessions: string
    readonly thisDevice: string
    readonly unknownDevice: string
    readonly applications: string
    readonly address: string
    readonly created: string
    readonly lastSeen: string
    readonly end: string
    readonly endWhich: (device: string, lastSeen: string) => string
    readonly endOthers: string
    readonly endOthersHint: string
    readonly endAll: string
    readonly endAllHint: string
    readonly endAllConfirm: string
    readonly applicationsTitle: string
    readonly applicationsHint: string
    readonly applicationsLink: string
    readonly passwordTitle: string
    readonly passwordHint: string
    readonly currentPassword: string
    readonly newPassword: string
    readonly changePassword: string
    readonly done: Readonly<Record<'end_session' | 'end_others' | 'change_password', string>>
  }
  readonly waysIn: {
    readonly title: string
    readonly hint: string
    readonly link: string
    readonly toAccount: string
    readonly yours: string
    readonly since: string
    readonly onlyOne: string
    readonly remove: string
    readonly more: string
    readonly moreHint: string
    readonly add: (title: string) => string
    readonly confirmTitle: string
    readonly confirmHint: string
    readonly confirm: string
    readonly done: Readonly<Record<'link' | 'unlink', string>>
  }
  readonly signOut: {
    readonly title: string
    readonly question: (user: Html) => Html
    readonly askedBy: (application: Html, user: Html) => Html
    readonly hint: string
    readonly submit: string
    readonly stay: string
  }
  readonly device: {
    readonly title: string
    readonly enter: string
    readonly compare: string
    readonly code: string
    readonly codeHint: string
    readonly goOn: string
    readonly signedInAs: (user: Html) => Html
    readonly askedTitle: string
    readonly asks: (application: Html) => Html
    readonly warning: string
    readonly application: string
    readonly from: string
    readonly asked: string
    readonly may: string
    readonly mayStaySignedIn: string
    readonly deny: string
    readonly allow: string
    readonly allowed: Message
    readonly denied: Message
  }
  /** What scopes mean, in words; the operator's come first. */
  readonly scopes: Readonly<Record<string, string>>
  readonly consent: {
    readonly title: (application: string) => string
    readonly heading: (application: Html) => Html
    readonly goesTo: (application: Html) => Html
    readonly unverified: string
    readonly wants: string
    readonly more: string
    readonly before: string
    readonly again: string
    readonly nothing: string
    readonly apis: string
    readonly untilWithdrawn: (lifetime: string) => string
    readonly whileSignedIn: (lifetime: string) => string
    readonly withdraw: string
    readonly allow: string
    readonly deny: string
    readonly home: string
    readonly policy: string
    readonly terms: string
    readonly signedInAs: string
    readonly otherAccount: string
  }
  readonly applications: {
    readonly title: string
    readonly toAccount: string
    readonly none: string
    readonly differencesTitle: string
    /** Name of a thing that one can do, and what it does. */
    readonly differences: readonly (readonly [name: string, text: string])[]
    readonly unverified: string
    readonly lastUsed: string
    readonly allowed: string
    readonly may: string
    readonly devices: string
    readonly noDevices: string
    readonly offline: string
    readonly endLogin: string
    readonly endWhich: (application: string, device: string, lastUsed: string) => string
    readonly endApplication: string
    readonly endApplicationHint: string
    readonly endImpliedHint: string
    readonly withdraw: string
    readonly withdrawHint: string
    readonly withdrawConfirm: string
    readonly done: Readonly<Record<'end_login' | 'end_application' | 'withdraw', string>>
  }
  readonly formPost: {
    readonly title: string
    readonly advice: (application: Html) => Html
    readonly submit: string
  }
  readonly goOn: { readonly title: string; readonly link: string }
  readonly signedOut: {
    readonly title: string
    readonly text: string
    readonly everywhere: string
    readonly signInAgain: string
    readonly backTo: (application: Html) => Html
  }
  readonly notFound: Message & { readonly home: string }
  readonly wait: {
    readonly tooManyAttempts: Message
    readonly unavailable: Message
    readonly after: (wait: string) => string
    readonly retry: string
  }
  readonly error: {
    readonly reason: string
    readonly description: string
    readonly reference: string
    readonly forDevelopers: string
    readonly backTo: (application: Html) => Html
    /** Before a way to an application that nobody here knows. */
    readonly leadsTo: (host: Html) => Html
    readonly byReason: Readonly<Partial<Record<Reason, Message>>>
    readonly otherwise: Message
  }
  /** One sentence each, beside the field or above the form that they concern. */
  readonly problem: {
    readonly signIn: Readonly<Partial<Record<Reason, string>>>
    readonly signUp: Readonly<Partial<Record<Reason, string>>>
    readonly account: Readonly<Partial<Record<Reason, string>>>
    readonly device: Readonly<Partial<Record<Reason, string>>>
    readonly tooManyAttempts: (wait: string) => string
    /** What is wrong with a new password: a sentence of `passwordProblem`, which a translation may look up. */
    readonly passwordUnacceptable: (problem: string) => string
    readonly otherwise: string
  }
}
