import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** `zookeeper.jar`: `COUNTERSIGN_ZOOKEEPER` if it is set, else where Debian puts it. And the Java that runs it. */
export function findZookeeper(environment: NodeJS.ProcessEnv = process.env): { jar: string; java: string } | undefined {
  const jar = environment.COUNTERSIGN_ZOOKEEPER || '/usr/share/java/zookeeper.jar'
  const folders = [
    ...(environment.JAVA_HOME ? [join(environment.JAVA_HOME, 'bin')] : []),
    ...(environment.PATH ?? '').split(delimiter),
  ]
  const java = folders.map(folder => join(folder, 'java')).find(existsSync)
  return existsSync(jar) && java !== undefined ? { jar, java } : undefined
}
