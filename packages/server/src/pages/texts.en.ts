import { html } from './html.ts'
import type { Texts } from './texts.ts'

const formTooOld = 'This page was open for too long. Please try again.'
const unavailable = 'We cannot answer right now. Nothing was changed. Please try again in a moment.'

/** English. */
export const english: Texts = {
  language: 'en-GB',
  direction: 'ltr',
  errorTitle: title => `Error: ${title}`,
  addressHint: host => html`Enter your password only where the address bar shows ${host}.`,
  optional: 'optional',
  email: 'E-mail address',
  password: 'Password',
  time: { justNow: 'just now', unknown: 'unknown' },
  signIn: {
    title: 'Sign in',
    toContinue: application => html`to continue to ${application}`,
    toAccount: 'to manage your account and devices',
    submit: 'Sign in',
    signUpQuestion: 'New here?',
    signUpLink: 'Create an account',
  },
  signUp: {
    title: 'Create your account',
    toContinue: application => html`to continue to ${application}`,
    name: 'Name',
    passwordHint: minLength => `At least ${minLength} characters. A few unrelated words make a good one.`,
    submit: 'Create account',
    signInQuestion: 'You have an account already?',
    signInLink: 'Sign in',
  },
  account: {
    title: 'Your account',
    greeting: 'Signed in as',
    signOut: 'Sign out',
    sessions: 'Devices and sessions',
    sessionsHint: 'Everywhere your account is signed in. If you do not recognise one, end it and change your password.',
    noSessions: 'Your account is signed in nowhere else.',
    thisDevice: 'This device',
    unknownDevice: 'Unknown device',
    applications: 'Applications',
    address: 'IP address',
    created: 'Signed in',
    lastSeen: 'Last seen',
    end: 'End session',
    endWhich: (device, lastSeen) => `${device}, last seen ${lastSeen}`,
    endOthers: 'End all other sessions',
    endOthersHint: 'You stay signed in here and are signed out everywhere else.',
    endAll: 'End all sessions',
    endAllHint: 'You will be signed out on every device, and here too.',
    endAllConfirm: 'Yes, sign me out everywhere',
    passwordTitle: 'Change password',
    passwordHint: 'This signs you out everywhere else.',
    currentPassword: 'Current password',
    newPassword: 'New password',
    changePassword: 'Change password',
    done: {
      end_session: 'The session has been ended.',
      end_others: 'All other sessions have been ended.',
      change_password: 'Your password has been changed. All other sessions have been ended.',
    },
  },
  signOut: {
    title: 'Sign out?',
    question: user => html`You are signed in as ${user}.`,
    askedBy: (application, user) => html`${application} asks to sign you out. You are signed in as ${user}.`,
    hint: 'This signs you out in this browser, and out of every application that you have used with this account here.',
    submit: 'Sign out',
    stay: 'No, stay signed in',
  },
  device: {
    title: 'Connect a device',
    enter: 'Enter the code that your device shows, to sign in there with your account.',
    compare: 'Go on only if your device shows the same code.',
    code: 'Code',
    codeHint: 'Eight letters, such as BCDF-GHJK. Use only a code that you see on a device of your own.',
    goOn: 'Continue',
    signedInAs: user => html`Signed in as ${user}`,
    askedTitle: 'May this device sign in?',
    asks: application => html`May ${application} sign in with your account?`,
    warning:
      'Allow this only if you started it yourself, on a device that shows this code now. Refuse if somebody sent you the code or told you to enter it: they are trying to get into your account.',
    applicationId: 'Application',
    from: 'Asked from',
    asked: 'Asked',
    may: 'It will be able to',
    mayStaySignedIn: 'stay signed in on the device until you end its session',
    scopes: {
      openid: 'know who you are',
      profile: 'see your name and profile',
      email: 'see your e-mail address',
      address: 'see your postal address',
      phone: 'see your telephone number',
      account: 'manage your account and sessions',
      offline_access: 'act for you while you are away',
    },
    deny: 'Refuse',
    allow: 'Allow',
    allowed: {
      title: 'Your device is connected',
      advice: 'It signs in within seconds. You can close this page and go on there.',
    },
    denied: {
      title: 'Refused',
      advice:
        'The device was not signed in. If you did not start this yourself, somebody tried to get into your account; nothing was given to them.',
    },
  },
  signedOut: {
    title: 'You are signed out',
    text: 'Your session on this device has ended. You can close this page.',
    everywhere: 'All your sessions have ended, on every device. You can close this page.',
    signInAgain: 'Sign in again',
    backTo: application => html`Back to ${application}`,
  },
  notFound: {
    title: 'There is nothing here',
    advice: 'The address may be mistyped, or the page has moved.',
    home: 'Go to your account',
  },
  wait: {
    tooManyAttempts: {
      title: 'Please wait a moment',
      advice: 'There were too many attempts. Your account is safe and nothing was changed.',
    },
    unavailable: {
      title: 'We will be right back',
      advice: 'The service cannot answer right now. You are still signed in and nothing was lost.',
    },
    after: wait => `Try again in ${wait}.`,
    retry: 'Try again',
  },
  error: {
    reason: 'Reason',
    description: 'Description',
    reference: 'Reference',
    forDevelopers: 'Details for developers',
    backTo: application => html`Back to ${application}`,
    byReason: {
      redirect_uri_mismatch: {
        title: 'This sign-in link is not valid',
        advice:
          'The application asked to send you to an address that it has not registered, so we stopped here. Go back to the application; if it happens again, tell the people who run it.',
      },
      request_uri_invalid: {
        title: 'This sign-in is over',
        advice: 'It was finished already, or was open for too long. Go back to the application and start again.',
      },
      client_authentication_failed: {
        title: 'We do not know this application',
        advice: 'Go back to the application and try again. If it happens again, tell the people who run it.',
      },
      client_not_allowed: {
        title: 'This application may not do that',
        advice: 'The application is not set up for this kind of sign-in. Tell the people who run it.',
      },
      csrf_refused: {
        title: 'This page was open for too long',
        advice:
          'For your safety the form is no longer accepted. Go back, reload the page and try again. Cookies must be allowed.',
      },
      origin_refused: {
        title: 'This form came from another site',
        advice:
          'For your safety we did not accept it. If you came here by a link, close this page and open the application yourself.',
      },
      signup_closed: {
        title: 'Sign-up is closed',
        advice: 'New accounts cannot be created here at the moment. If you have an account, sign in instead.',
      },
      transport_insecure: {
        title: 'This connection is not safe',
        advice: 'Open the page by an address that begins with https.',
      },
      user_disabled: {
        title: 'This account is not active',
        advice: 'Ask the people who run this service.',
      },
      login_required: {
        title: 'Please sign in first',
        advice: 'This page needs a signed-in account. Go back to the application and sign in.',
      },
    },
    otherwise: {
      title: 'That did not work',
      advice:
        'The request could not be understood, and nothing was changed. Go back to the application and start again; if it happens again, tell the people who run it.',
    },
  },
  problem: {
    signIn: {
      login_failed: 'The e-mail address or the password is wrong.',
      csrf_refused: formTooOld,
      session_expired: 'Your session has expired. Please sign in again.',
      session_idle_expired: 'You were away for a while. Please sign in again.',
      session_ended: 'Your session has been ended. Please sign in again.',
      authorization_revoked: 'Your session has been ended. Please sign in again.',
      login_required: 'Please sign in to go on.',
      unavailable,
    },
    signUp: {
      email_taken: 'There is an account with this address already. Sign in instead, or use another address.',
      email_invalid: 'This is not a complete e-mail address. It should look like name@example.com.',
      password_unacceptable: 'This password is too short, too long or too easy to guess. Please choose another.',
      signup_closed: 'New accounts cannot be created here at the moment.',
      csrf_refused: formTooOld,
      unavailable,
    },
    account: {
      login_failed: 'This is not your current password.',
      password_unacceptable: 'This password is too short, too long or too easy to guess. Please choose another.',
      session_unknown: 'That session had ended already.',
      csrf_refused: formTooOld,
      unavailable,
    },
    device: {
      user_code_invalid: 'No device waits with this code. Look at the device again: it may show a new one by now.',
      session_ended: 'Your session has been ended. Please sign in again.',
      unavailable,
    },
    passwordUnacceptable: problem => `${problem} Please choose another.`,
    tooManyAttempts: wait => `There were too many attempts. Please wait ${wait} and try again.`,
    otherwise: 'That did not work, and nothing was changed. Please try again.',
  },
}
