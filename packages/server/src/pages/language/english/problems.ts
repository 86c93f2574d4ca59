/** What is told when something did not work. `byReason` and `problem`: by the reason of the refusal. */
export const problems = {
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
    after: 'Try again in {wait}.',
    retry: 'Try again',
  },
  error: {
    reason: 'Reason',
    description: 'Description',
    reference: 'Reference',
    forDevelopers: 'Details for developers',
    backTo: 'Back to {application}',
    leadsTo: 'The button leads to {host}. Nobody here has checked who is behind that address.',
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
      invitation_required: {
        title: 'By invitation only',
        advice:
          'An account here is made with an invitation only. If you have one, open the link in it. If you have an account, sign in instead.',
      },
      passwords_off: {
        title: 'There are no passwords here',
        advice: 'Nobody signs in by password here. Choose one of the ways on the sign-in page.',
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
      csrf_refused: 'This page was open for too long. Please try again.',
      session_expired: 'Your session has expired. Please sign in again.',
      session_idle_expired: 'You were away for a while. Please sign in again.',
      session_ended: 'Your session has been ended. Please sign in again.',
      authorization_revoked: 'Your session has been ended. Please sign in again.',
      login_required: 'Please sign in to go on.',
      connection_denied: 'The sign-in there was cancelled. You can try again, or sign in another way.',
      connection_state_invalid:
        'This sign-in was begun in another browser, took too long, or was finished before. Please start again.',
      connection_answer_invalid:
        'The other site sent an answer that we cannot trust, so we stopped. Please try again, or sign in another way.',
      connection_account_exists:
        'There is an account with your e-mail address here already. Sign in to it the way you did before; then you can add this way on your account page.',
      connection_unavailable:
        'The other site cannot be reached at the moment. Please try again shortly, or sign in another way.',
      signup_closed: 'New accounts cannot be created here at the moment.',
      invitation_required:
        'An account here is made with an invitation only. If you have one, open its link; if you have an account, sign in to it the way you did before.',
      passwords_off: 'Nobody signs in by password here. Choose one of the other ways.',
      user_disabled: 'This account is not active. Ask the people who run this service.',
      unavailable: 'We cannot answer right now. Nothing was changed. Please try again in a moment.',
    },
    signUp: {
      email_taken: 'There is an account with this address already. Sign in instead, or use another address.',
      email_invalid: 'This is not a complete e-mail address. It should look like name@example.com.',
      password_unacceptable: 'This password is too short, too long or too easy to guess. Please choose another.',
      signup_closed: 'New accounts cannot be created here at the moment.',
      passwords_off: 'Nobody signs in by password here. Choose one of the other ways.',
      csrf_refused: 'This page was open for too long. Please try again.',
      unavailable: 'We cannot answer right now. Nothing was changed. Please try again in a moment.',
    },
    account: {
      login_failed: 'This is not your current password.',
      passwords_off: 'Nobody signs in by password here, so there is none to change.',
      password_unacceptable: 'This password is too short, too long or too easy to guess. Please choose another.',
      session_unknown: 'That session had ended already.',
      grant_unknown: 'That permission had been withdrawn already.',
      identity_taken: 'That account is connected to another account here. Nothing was changed.',
      identity_unknown: 'That way to sign in had been removed already.',
      last_way_in: 'That is the only way in which you can sign in. Add another first.',
      reauthentication_required: 'You signed in a while ago. Please confirm that it is you, and try again.',
      connection_denied: 'The sign-in there was cancelled, and nothing was changed.',
      connection_answer_invalid: 'The other site sent an answer that we cannot trust, so nothing was changed.',
      connection_unavailable: 'The other site cannot be reached at the moment. Please try again shortly.',
      csrf_refused: 'This page was open for too long. Please try again.',
      unavailable: 'We cannot answer right now. Nothing was changed. Please try again in a moment.',
    },
    device: {
      user_code_invalid: 'No device waits with this code. Look at the device again: it may show a new one by now.',
      session_ended: 'Your session has been ended. Please sign in again.',
      unavailable: 'We cannot answer right now. Nothing was changed. Please try again in a moment.',
    },
    password: {
      missing: 'Please enter your password.',
      unusable: 'The password holds a character that cannot be used. Please choose another.',
      accents: 'The password holds too many accents in a row. Please choose another.',
      tooShort: 'The password needs at least {characters} characters. Please choose another.',
      tooLong: 'The password must not be longer than {characters} characters. Please choose another.',
      common: 'The password is one that many people use. Please choose another.',
      address: 'The password must not be the e-mail address. Please choose another.',
    },
    withoutPassword: {
      connection_account_exists:
        'There is an account with your e-mail address here already. Sign in to it with the way that you used before; if you had a password alone, ask the people who run this service.',
    },
    tooManyAttempts: 'There were too many attempts. Please wait {wait} and try again.',
    otherwise: 'That did not work, and nothing was changed. Please try again.',
  },
} as const
