import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Posted } from './firefox-page.js'
import { bundle } from './bundle.js'
import { serve } from './static-server.js'

/** Where a Firefox may be installed. */
const places = [
  '/usr/bin/firefox-esr',
  '/usr/bin/firefox',
  '/Applications/Firefox.app/Contents/MacOS/firefox',
]

/** What tests say that are skipped for want of Firefox. */
export const missingFirefox = 'SKIPPED: no Firefox on this machine; FIREFOX_PATH may name one'

/** The Firefox that FIREFOX_PATH names, else one that is installed. */
export function findFirefox(): string | undefined {
  return process.env.FIREFOX_PATH ?? places.find((path) => existsSync(path))
}

/** Lets software drivers through, which Firefox's list of blocked ones may not, and keeps its first-run pages away. */
const preferences = {
  'dom.webgpu.enabled': true,
  'gfx.webgpu.ignore-blocklist': true,
  'browser.shell.checkDefaultBrowser': false,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.aboutwelcome.enabled': false,
  'app.update.disabledForTesting': true,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
}

/** Runs the core in a page of a headless Firefox with a profile of its own. @throws Error after `limit` milliseconds */
export async function inFirefox(executablePath: string, limit = 600_000): Promise<Posted> {
  const profile = mkdtempSync(join(tmpdir(), 'sae-firefox-'))
  const lines = Object.entries(preferences).map(
    ([key, value]) => `user_pref(${JSON.stringify(key)}, ${JSON.stringify(value)});\n`,
  )
  writeFileSync(join(profile, 'user.js'), lines.join(''))
  let found: (posted: Posted) => void
  const posted = new Promise<Posted>((resolve) => (found = resolve))
  const server = await serve(
    {
      '/': {
        type: 'text/html',
        text: '<!doctype html><title>core</title><script type="module" src="/page.js"></script>',
      },
      '/page.js': { type: 'text/javascript', text: await bundle('firefox-page.ts') },
    },
    (body) => {
      found(JSON.parse(body) as Posted)
    },
  )
  const browser = spawn(executablePath, ['--headless', '--no-remote', '--profile', profile, server.url], {
    stdio: 'ignore',
    env: { ...process.env, HOME: profile },
  })
  const ended = new Promise<never>((_, reject) => {
    browser.once('error', reject)
    browser.once('exit', (code) => {
      reject(new Error(`${executablePath} ended with code ${code} before its page had answered`))
    })
  })
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${executablePath}: no answer within ${limit / 1000} s`))
    }, limit)
  })
  try {
    return await Promise.race([posted, ended, late])
  } finally {
    clearTimeout(timer)
    ended.catch(() => undefined) // it ends now
    const gone = new Promise((resolve) => browser.once('exit', resolve))
    if (browser.exitCode === null && browser.kill()) await gone
    await server.close()
    rmSync(profile, { recursive: true, maxRetries: 5 })
  }
}
