export * from './etcd-url.ts'
export * from './open-etcd-register.ts'
