import type { MailTexts } from './texts.ts'

/** English. */
export const english: MailTexts = {
  language: 'en-GB',
  direction: 'ltr',
  mails: {
    verify_address: {
      subject: site => `Confirm your e-mail address for ${site}`,
      before: [
        ({ site, address }) => `An account at ${site} was made with the address ${address}.`,
        () => 'If it was you, confirm that the address is yours. You may be asked for the password that you chose.',
      ],
      link: 'Confirm this address',
      after: [
        () =>
          'If it was not you, do nothing: the address is not confirmed then. The account gets no power over you; you can take it over by asking for a new password.',
      ],
    },
    reset_password: {
      subject: site => `Choose a new password for ${site}`,
      before: [
        ({ site, address }) =>
          `Somebody, you we hope, has asked for a new password for the account of ${address} at ${site}.`,
        () => 'The link is good for one hour, and once. Your password stays as it is until you choose another.',
      ],
      link: 'Choose a new password',
      after: [() => 'If it was not you, do nothing. Give the link to nobody: whoever has it can take your account.'],
    },
    new_device: {
      subject: site => `New sign-in to ${site}`,
      before: [
        ({ site, address }) => `Your account ${address} at ${site} was signed in to from somewhere new:`,
        ({ device, ip, time }) => `${device}, from ${ip}, ${time}`,
        () => 'If it was you, there is nothing to do.',
      ],
      link: 'This was not me',
      after: [
        () => 'The link shows a page with a button that ends that session at once, and lets you choose a new password.',
      ],
    },
    token_reused: {
      subject: site => `A session at ${site} was ended for your safety`,
      before: [
        ({ site, address }) =>
          `A session of your account ${address} at ${site} was ended: its key was used in two places, as happens when somebody has copied it.`,
        ({ device, ip, time }) => `It was used again by ${device}, from ${ip}, ${time}`,
        () => 'Whoever has the copy can do nothing with it any more. You can sign in again as always.',
      ],
      link: 'Secure my account',
      after: [
        () =>
          'The link shows a page with a button that lets you choose a new password and ends all sessions. Do that if you fear that somebody was at your device.',
      ],
    },
    password_changed: {
      subject: site => `Your password for ${site} was changed`,
      before: [
        ({ site, address }) => `The password of your account ${address} at ${site} was changed:`,
        ({ device, ip, time }) => `${device}, from ${ip}, ${time}`,
        () => 'If it was you, there is nothing to do. All other sessions were ended.',
      ],
      link: 'This was not me',
      after: [() => 'The link shows a page with a button that ends all sessions, and lets you choose a new password.'],
    },
    linkAsText: 'If the button does not work, open this address:',
    foot: ({ site, address }) =>
      `${site} sent this to ${address} because of an account there. Nobody reads answers to it.`,
    unknown: 'unknown',
  },
}
