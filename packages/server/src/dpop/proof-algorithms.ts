/** How a DPoP proof may be signed: what the reader of proofs can check, as metadata and challenges tell it (RFC 9449 §5.1, §7.1). */
export const proofAlgorithms: readonly string[] = ['ES256', 'EdDSA', 'RS256', 'PS256']
