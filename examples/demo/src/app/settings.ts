const { dataset } = document.documentElement

/** Where things are, as the page was told when it was served. */
export const issuer: string = dataset.issuer ?? ''
export const apiUrl: string = dataset.api ?? ''
