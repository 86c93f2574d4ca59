import { axiosAuthRefresh } from './axios.ts'
import { countersign } from './countersign.ts'
import { oidcClient } from './oidc-client.ts'
import type { SdkInPage } from './sdk-in-page.ts'
import { supabase } from './supabase.ts'

/** Who is compared, by the names of the table. */
export const sdks: Readonly<Record<string, () => SdkInPage>> = {
  '@countersign/app, bound': () => countersign(true),
  '@countersign/app, unbound': () => countersign(false),
  'oidc-client-ts': oidcClient,
  '@supabase/auth-js': supabase,
  'axios-auth-refresh': axiosAuthRefresh,
}
