/** What stands on the pages that mails lead to, and where they are asked for. */
export const mailPages = {
  forgot: {
    title: 'New password',
    lead: 'Tell us the address of your account. We send you a link with which you can choose a new password.',
    submit: 'Send the link',
    link: 'Forgot your password?',
    back: 'Back to sign in',
    sent: {
      title: 'Look into your mail',
      advice:
        'If there is an account with this address, a link is on its way. It is good for one hour. Nothing there after some minutes? Look among unwanted mail, or check the address.',
    },
  },
  reset: {
    title: 'Choose a new password',
    lead: 'For the account of {address}',
    ends: 'You will be signed out everywhere, and can then sign in with the new password.',
    submit: 'Set the new password',
    done: {
      title: 'Your password has been changed',
      advice: 'All sessions of your account have ended. Sign in with the new password.',
    },
    left: {
      title: 'What still leads into your account',
      hint: 'This stands as before. If something here is not yours, somebody else can still use your account by it: sign in and take it away.',
      allowed: 'An application, allowed {time}',
      signIn: 'Sign in and look it over',
    },
    signIn: 'Sign in',
  },
  verify: {
    title: 'Confirm your address',
    lead: 'You are about to confirm that {address} is yours.',
    password: 'The password of your account',
    submit: 'Confirm',
    signInFirst: 'Sign in to the account first. You come back here then.',
    notMine: 'You did not make this account, or do not know its password?',
    notMineLink: 'Ask for a new password',
    done: { title: 'Your address is confirmed', advice: 'That was all. You can close this page.' },
    toAccount: 'Go to your account',
    unverified: 'Nobody has confirmed yet that {address} is yours. Look for our mail, or have it sent again.',
    again: 'Send the mail again',
    sent: 'A mail is on its way to you.',
  },
  notMe: {
    title: 'This was not you?',
    lead: 'If you do not know this sign-in, end it now.',
    ends: 'All sessions end at once. The password and every other way to sign in can no longer be used, and applications have to ask again for what they may do. We send you a link with which you choose a new password.',
    endsAll:
      'All sessions of your account end at once, on every device, and applications have to ask again for what they may do.',
    endsAllSince:
      'All sessions of your account end at once, on every device, and applications have to ask again for what they may do. Ways to sign in that were added since this sign-in can no longer be used, if an earlier one is left; the one with which your account began comes back, if it was taken away since.',
    device: 'Device',
    time: 'Time',
    address: 'IP address',
    submit: 'It was not me: end it',
    itWasMe: 'If it was you, close this page. Nothing has changed.',
    ended: {
      title: 'It has been ended',
      advice:
        'Nobody is signed in to your account any more. Look into your mail now: a link is on its way with which you choose a new password. It is good for one hour.',
    },
    done: {
      title: 'All sessions have been ended',
      advice:
        'Look at the account that you sign in with, too: somebody may be using it. Change its password, then sign in again.',
    },
  },
  invitation: {
    title: 'Accept your invitation',
    lead: 'You are about to make an account for {address}.',
    submit: 'Create account',
    over: {
      title: 'This invitation is over',
      advice:
        'It was accepted or taken back, is too old, or another one has taken its place. If you have an account, sign in; else ask for another invitation.',
    },
  },
  linkOver: {
    title: 'This link is over',
    advice: 'It was used already, is too old, or something has changed since it was sent.',
    again: 'Ask for a new one',
  },
} as const
