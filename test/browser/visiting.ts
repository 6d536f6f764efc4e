import { afterAll, afterEach, beforeAll } from 'vitest'
import { PageVisit } from './page-visit.js'

/** Opens the page for the tests of a block. After each of them, no script has failed. @param take gets the visit */
export function visiting(executable: string | undefined, take: (visit: PageVisit) => void): void {
  let visit: PageVisit | undefined
  beforeAll(async () => {
    visit = await PageVisit.begin(executable!)
    await visit.ready()
    take(visit)
  })
  afterAll(() => visit?.end())
  afterEach(() => visit?.check())
}
