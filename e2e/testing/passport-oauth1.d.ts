/** As much of it as is used; it brings no types along. */
declare module 'passport-oauth1' {
  type Done = (error: Error | null, user?: unknown) => void
  export class Strategy {
    constructor(
      options: Readonly<Record<string, string>>,
      verify: (
        token: string,
        secret: string,
        told: Readonly<Record<string, string>>,
        profile: object,
        done: Done,
      ) => void,
    )
    authenticate(request: unknown, options?: unknown): void
  }
}
