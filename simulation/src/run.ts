import { familyOf } from './actors/device.ts'
import type { Breakage } from './breakages/breakage.ts'
import { readRefreshToken } from './history/read-tokens.ts'
import { judge } from './invariants/judge.ts'
import { truthOf } from './invariants/truth.ts'
import type { Violation } from './invariants/violation.ts'
import type { Plan } from './plan/plan.ts'
import { act } from './world/act.ts'
import { createWorld } from './world/create-world.ts'
import { fairWeather } from './world/network.ts'
import type { World } from './world/world.ts'

/** One run to its end. */
export interface RunResult {
  readonly plan: Plan
  readonly world: World
  readonly violations: readonly Violation[]
}

/** Plays a plan: the same plan, the same run. */
export async function run(plan: Plan, breakage?: Breakage): Promise<RunResult> {
  const world = await createWorld(plan, breakage)
  const { time } = world
  let start = time.now()
  for (const step of plan.steps) {
    await time.run(Math.max(time.now(), start + step.when))
    act(world, step)
    if (step.do !== 'sleep') continue
    await sleep(world, step.for)
    start += step.for
  }
  await time.run(start + plan.length)
  await heal(world)
  const violations = await judge(world)
  close(world)
  return { plan, world, violations }
}

/** Everything is switched off for a long while, and on again. */
async function sleep({ time, nodes, devices }: World, length: number): Promise<void> {
  for (const node of nodes) {
    node.link.off = true
    node.crash()
  }
  for (const device of devices.values()) {
    for (const tab of device.tabs) {
      tab.frozen = true
      tab.app.close()
    }
  }
  await time.run(time.now() + length)
  for (const node of nodes) {
    node.link.off = false
    void node.start()
  }
  for (const device of devices.values()) for (const index of device.tabs.keys()) device.open(index)
}

/** The faults are over. After a while everybody who was not signed out has a token, and it is accepted. */
async function heal(world: World): Promise<void> {
  const { time, nodes, disk } = world
  for (const node of nodes) {
    Object.assign(node.link, {
      cut: false,
      full: false,
      ringCut: false,
      signingFails: false,
      slow: 0,
      unknownOutcome: 0,
    })
    node.clockError = 0
    if (node.running() === undefined) void node.start()
  }
  for (const party of [...world.devices.values(), ...world.plains.values(), ...world.apis]) {
    Object.assign(party.sender.weather, fairWeather())
  }
  await time.run(time.now() + 20_000)
  for (const device of world.devices.values()) for (const tab of device.tabs) tab.wake()
  await time.run(time.now() + 125_000)
  const truth = truthOf(disk.applied)
  const mayLive = (familyId: string | undefined): boolean =>
    familyId !== undefined && truth.familyExists(familyId) && truth.familyRevokedAt(familyId) === undefined
  const stuck = (name: string, text: string): void =>
    world.tell({ kind: 'stuck', time: time.now(), party: { name, honest: true }, text: `${name} ${text}` })
  const asked: Promise<void>[] = []
  for (const device of world.devices.values()) {
    for (const [index, tab] of device.tabs.entries()) {
      if (tab.frozen || !mayLive(familyOf(device.stored(index)))) continue
      if (tab.app.state.status === 'signedOut') continue
      asked.push(
        tab.app.getToken().then(
          () => {},
          error => stuck(tab.name, `is signed in and gets no token: ${String(error)}`),
        ),
      )
    }
  }
  for (const [name, plain] of world.plains) {
    if (plain.ended !== undefined || !mayLive(readRefreshToken(plain.refreshToken)?.familyId)) continue
    asked.push(
      plain.token().then(token => {
        if (token === undefined && plain.ended === undefined) stuck(name, 'is signed in and gets no token')
      }),
    )
  }
  let done = false
  void Promise.all(asked).then(() => {
    done = true
  })
  for (let seconds = 0; seconds < 60 && !done; seconds++) await time.run(time.now() + 1_000)
  if (!done) stuck('somebody', 'waits for ever')
}

function close(world: World): void {
  for (const device of world.devices.values()) for (const tab of device.tabs) tab.app.close()
  for (const api of world.apis) api.verifier.close()
  for (const node of world.nodes) node.crash()
}
