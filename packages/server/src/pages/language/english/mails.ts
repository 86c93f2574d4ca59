/** What the mails say. */
export const mails = {
  mail: {
    verifyAddress: {
      subject: 'Confirm your e-mail address for {site}',
      what: 'An account at {site} was made with the address {address}.',
      advice: 'If it was you, confirm that the address is yours. You may be asked for the password that you chose.',
      link: 'Confirm this address',
      otherwise:
        'If it was not you, do nothing: the address is not confirmed then. You can take the account over by asking for a new password.',
    },
    resetPassword: {
      subject: 'Choose a new password for {site}',
      what: 'Somebody, you we hope, has asked for a new password for the account of {address} at {site}.',
      advice: 'The link is good for one hour, and once. Your password stays as it is until you choose another.',
      adviceWithoutPassword:
        'The link is good for one hour, and once. The account has no password until you choose one.',
      link: 'Choose a new password',
      otherwise: 'If it was not you, do nothing. Give the link to nobody: whoever has it can take your account.',
    },
    newDevice: {
      subject: 'New sign-in to {site}',
      what: 'Your account {address} at {site} was signed in to from somewhere new:',
      where: '{device}, from {ip}, {time}',
      advice: 'If it was you, there is nothing to do.',
      link: 'This was not me',
      otherwise:
        'The link shows a page with a button that ends all sessions of your account, and sends you a link with which you choose a new password.',
    },
    tokenReused: {
      subject: 'A session at {site} was ended for your safety',
      what: 'A session of your account {address} at {site} was ended: its key was used in two places, as happens when somebody has copied it.',
      where: '{device}, from {ip}, {time}',
      advice: 'Whoever has the copy can do nothing with it any more. You can sign in again as always.',
      link: 'Secure my account',
      otherwise:
        'The link shows a page with a button that ends all sessions of your account, and sends you a link with which you choose a new password. Press it if you fear that somebody was at your device.',
    },
    tokenRepeated: {
      subject: 'A session at {site} was used from somewhere else',
      what: 'A session of your account {address} at {site} was gone on with from somewhere else, with a key that had been used before:',
      where: '{device}, from {ip}, {time}',
      advice:
        'It may have been you: an app on the move asks twice where an answer was lost. It may also be that somebody has copied the session.',
      link: 'This was not me',
      otherwise:
        'The link shows a page with a button that ends all sessions of your account, and sends you a link with which you choose a new password.',
    },
    passwordChanged: {
      subject: 'Your password for {site} was changed',
      what: 'The password of your account {address} at {site} was changed:',
      where: '{device}, from {ip}, {time}',
      advice:
        'If it was you, all other sessions were ended. See on your account page whether the other ways to sign in, and the applications, are all yours.',
      link: 'This was not me',
      otherwise:
        'The link shows a page with a button that ends all sessions of your account, and sends you a link with which you choose a new password.',
    },
    wayAdded: {
      subject: 'Another way to sign in to {site} was added',
      what: 'Somebody can sign in to your account {address} at {site} with an account elsewhere now. It was added:',
      where: '{device}, from {ip}, {time}',
      advice: 'If it was you, there is nothing to do.',
      link: 'This was not me',
      otherwise:
        'The link shows a page with a button that takes it away again and ends all sessions of your account, and sends you a link with which you choose a new password.',
    },
    invitation: {
      subject: 'You are invited to {site}',
      what: 'You are invited to make an account at {site}. It will have the address {address}.',
      advice: 'The link is good once, until {until}.',
      link: 'Accept the invitation',
      otherwise: 'If you do not expect this, do nothing: no account is made then. Give the link to nobody.',
    },
    endsAll:
      'The link shows a page with a button that ends all sessions of your account, and takes back what applications have been allowed.',
    endsAllSince:
      'The link shows a page with a button that ends all sessions of your account, takes back what applications have been allowed, and takes away ways to sign in that were added since that session began, if an earlier one is left.',
    linkAsText: 'If the button does not work, open this address:',
    footOfInvitation:
      '{site} sent this to {address} because somebody there has invited you. Nobody reads answers to it.',
    foot: '{site} sent this to {address} because of an account there. Nobody reads answers to it.',
  },
} as const
