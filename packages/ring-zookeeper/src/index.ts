export * from './open-zookeeper-register.ts'
export * from './zookeeper-url.ts'
