/**
 * What an operator wants in tokens besides what is always there: the claim → where it comes from. A source is a standard claim about the person (OpenID Connect Core §5.1),
 * `roles`, `groups`, `permissions`, or `attributes.NAME`.
 */
export type ClaimsMap = Readonly<Record<string, string>>
