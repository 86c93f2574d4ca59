// region keycloak
/** One of `users` in the export of a realm. */
export interface KeycloakUser {
  id: string
  email?: string
  emailVerified?: boolean
  enabled?: boolean
  firstName?: string
  lastName?: string
  createdTimestamp?: number
  realmRoles?: string[]
  federatedIdentities?: { identityProvider: string; userId: string }[]
  credentials?: { type: string; secretData: string; credentialData: string }[]
}

export function ofKeycloak(user: KeycloakUser): object {
  const { firstName: given_name, lastName: family_name, createdTimestamp: created } = user
  const password = user.credentials?.find(({ type }) => type === 'password')
  return {
    id: user.id,
    email: user.email,
    email_verified: user.emailVerified === true && user.email !== undefined,
    name: [given_name, family_name].filter(Boolean).join(' ') || undefined,
    profile: { given_name, family_name },
    roles: user.realmRoles?.filter(role => !/^default-roles-|^offline_access$|^uma_authorization$/.test(role)),
    identities: user.federatedIdentities?.map(one => ({ connection: one.identityProvider, subject: one.userId })),
    disabled: user.enabled === false,
    created_at: created === undefined ? undefined : new Date(created).toISOString(),
    password_hash: password && user.email !== undefined ? hashOfKeycloak(password) : undefined,
  }
}

function hashOfKeycloak(password: { secretData: string; credentialData: string }): string {
  const { value, salt } = JSON.parse(password.secretData)
  const { algorithm, hashIterations, additionalParameters: more = {} } = JSON.parse(password.credentialData)
  const tail = `${withoutPadding(salt)}$${withoutPadding(value)}`
  if (algorithm === 'argon2') {
    const cost = `m=${more.memory[0]},t=${hashIterations},p=${more.parallelism[0]}`
    return `$argon2${more.type[0]}$v=19$${cost}$${tail}`
  }
  // `pbkdf2` alone is the one with SHA-1.
  const name = algorithm === 'pbkdf2' ? 'pbkdf2-sha1' : algorithm
  return `$${name}$i=${hashIterations}$${tail}`
}

function withoutPadding(base64: string): string {
  return base64.replace(/=+$/, '')
}
// endregion

// region firebase
/** One of `users` in what `firebase auth:export` writes. */
export interface FirebaseUser {
  localId: string
  email?: string
  emailVerified?: boolean
  displayName?: string
  disabled?: boolean
  createdAt?: string
  passwordHash?: string
  salt?: string
  providerUserInfo?: { providerId: string; rawId: string }[]
}

/** As the console shows them. */
export interface FirebaseParameters {
  base64_signer_key: string
  base64_salt_separator: string
  rounds: number
  mem_cost: number
}

/** What the connections are called in the configuration. */
const connections = new Map([
  ['google.com', 'google'],
  ['github.com', 'github'],
  ['apple.com', 'apple'],
])

export function ofFirebase(user: FirebaseUser, project: FirebaseParameters): object {
  const { email, passwordHash: hash, salt } = user
  const cost = `n=${project.mem_cost},r=${project.rounds},p=1`
  const keys = `ss=${project.base64_salt_separator},sk=${project.base64_signer_key}`
  return {
    email,
    email_verified: user.emailVerified === true && email !== undefined,
    name: user.displayName,
    disabled: user.disabled === true,
    created_at: user.createdAt === undefined ? undefined : new Date(Number(user.createdAt)).toISOString(),
    // The first one is the old id: a back end that knows them by it opens their sessions.
    identities: [
      { connection: 'trusted:reports', subject: user.localId },
      ...(user.providerUserInfo ?? []).flatMap(({ providerId, rawId: subject }) => {
        const connection = connections.get(providerId)
        return connection === undefined ? [] : [{ connection, subject }]
      }),
    ],
    ...(email &&
      hash &&
      salt && { password_hash: `$fbscrypt$v=1,${cost},${keys}$${standard(salt)}$${standard(hash)}` }),
  }
}

/** Some exports have the alphabet for addresses. */
function standard(base64: string): string {
  return base64.replaceAll('-', '+').replaceAll('_', '/')
}
// endregion
