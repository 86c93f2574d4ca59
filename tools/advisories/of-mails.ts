import type { Advisory } from './advisory.ts'

/** Passwords and addresses by mail. */
export const advisoriesOfMails: readonly Advisory[] = [
  {
    ids: ['CVE-2023-49097', 'CVE-2025-64101', 'GHSA-pfrf-9r5f-73f5', 'CVE-2025-70948'],
    also: ['GHSA-2wmj-46rj-qm2w', 'GHSA-mwmh-7px9-4c23'],
    whose: 'ZITADEL, couch-auth',
    flaw: 'The link in a reset mail led to the host that a header of the request had named.',
  },
  {
    ids: ['GHSA-93m4-mfpg-c3xf'],
    whose: 'ZITADEL',
    flaw: 'The link in a reset mail had the scheme that a header of the request had named.',
  },
  {
    ids: ['CVE-2019-19844'],
    whose: 'Django',
    flaw: 'A reset mail went to the address that was typed, which a folding of letters had made equal to the account’s.',
  },
  {
    ids: ['CVE-2025-13033'],
    whose: 'nodemailer',
    flaw: 'An address with a quoted local part was read as another, so that mails went to an attacker.',
  },
  {
    ids: ['CVE-2026-18963'],
    whose: 'Keycloak',
    flaw: 'Whoever had asked for a new password for somebody could go on to choose it without the link of the mail.',
  },
  {
    ids: ['CVE-2025-35432'],
    whose: 'CISA Thorium',
    flaw: 'Mails that confirm an address were sent without limit: a stranger’s mailbox could be filled.',
  },
]
