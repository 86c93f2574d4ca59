/** Scopes that only a back end can use; a client without a secret or a key cannot have them, and no registration gives them. */
export const rightsOfBackEnds: readonly string[] = [
  'introspection',
  'sessions:manage',
  'clients:manage',
  'tokens:exchange',
  'tokens:impersonate',
  'connections:tokens',
  'users:manage',
  'users:invite',
  'secrets',
]
