/**
 * A User-Agent header in a few words, as people know their devices: "Chrome on Windows", "Safari on iPhone", "curl".
 * Versions stay out: nobody recognises a device by them, and they change. What a label says is a hint for the owner
 * of the account, never evidence: the header is whatever the client wants it to be.
 *
 * @module
 */

/** For a header that is absent or says nothing. */
const unknownDevice = 'Unknown device'

/** The label for a User-Agent header: at most 40 characters of printable ASCII. Never throws. */
export function deviceLabel(userAgent: string | undefined): string {
  // Real headers stay below 300 characters; what is beyond 512 cannot matter, and is not read.
  const text = (userAgent ?? '').slice(0, 512)
  const system = first(systems, text)
  const browser = first(browsers, text)
  if (browser !== undefined) return system === undefined ? browser : `${browser} on ${system}`
  return first(programs, text) ?? appleApp(text) ?? system ?? firstProduct(text) ?? unknownDevice
}

type Rule = readonly [name: string, pattern: RegExp]

function first(rules: readonly Rule[], text: string): string | undefined {
  return rules.find(([, pattern]) => pattern.test(text))?.[0]
}

/** In this order: nearly every browser also claims to be Chrome, Safari or both. */
const browsers: readonly Rule[] = [
  ['Facebook', /\bFB(?:AN|AV|_IAB)\//],
  ['Instagram', /\bInstagram /],
  ['Google app', /\bGSA\//],
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\b(?:OPR|OPX|OPT|OPiOS|Opera|Opera Mini)\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['DuckDuckGo', /\b(?:DuckDuckGo|Ddg)\//],
  ['Vivaldi', /\bVivaldi\//],
  ['Brave', /\bBrave\//],
  ['Yandex Browser', /\bYaBrowser\//],
  ['UC Browser', /\bUCBrowser\//],
  ['Whale', /\bWhale\//],
  ['Silk', /\bSilk\//],
  ['Huawei Browser', /\bHuaweiBrowser\//],
  ['Mi Browser', /\bMiuiBrowser\//],
  ['QQ Browser', /\bM?QQBrowser\//],
  ['Firefox Focus', /\b(?:Focus|Klar)\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Headless Chrome', /\bHeadlessChrome\//],
  ['Desktop app', /\bElectron\//],
  ['In-app browser', /\bAndroid\b.*; wv\)/],
  ['Chrome', /\b(?:Chrome|Chromium|CriOS)\//],
  ['Android Browser', /\bAndroid\b.*\bVersion\/[\d.]+ Mobile Safari\//],
  ['Safari', /\bVersion\/[\d.]+ (?:Mobile\/\w+ )?Safari\//],
  ['In-app browser', /\b(?:iPhone|iPad|iPod)\b.*\bMobile\/\w+(?! Safari)/],
  ['Internet Explorer', /\bMSIE |\bTrident\//],
]

/** In this order: an Android also says Linux, an iPad also says Mac OS X. */
const systems: readonly Rule[] = [
  ['iPhone', /\(iPhone;/],
  ['iPad', /\(iPad;/],
  ['iPod', /\(iPod/],
  ['Xbox', /\bXbox\b/],
  ['PlayStation', /\bPlayStation\b/],
  ['Tizen', /\bTizen\b/],
  ['webOS', /\bWeb0S\b|\bwebOS\b/],
  ['Android TV', /\bAndroid\b.*\b(?:TV|BRAVIA|AFT\w+)\b/],
  ['Android', /\bAndroid\b.*\bMobile\b|\bAndroid\b.*;\s?Mobile;|\(Android \d+; Mobile/],
  ['Android tablet', /\bAndroid\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMacintosh\b|\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
  ['FreeBSD', /\bFreeBSD\b/],
  ['OpenBSD', /\bOpenBSD\b/],
]

/** Programs and libraries. */
const programs: readonly Rule[] = [
  ['curl', /^curl\//],
  ['Wget', /^Wget\//],
  ['HTTPie', /^HTTPie\//],
  ['Postman', /^PostmanRuntime\//],
  ['Insomnia', /^insomnia\//i],
  ['Python', /^(?:python-requests|python-httpx|Python-urllib|Python\/)/],
  ['Node.js', /^(?:node|undici|axios\/|node-fetch|got )/],
  ['Go', /^Go-http-client\//],
  ['Java', /^(?:Java\/|Java-http-client\/|Apache-HttpClient\/|ReactorNetty\/)/],
  ['.NET', /^(?:RestSharp|\.NET)/],
  ['Ruby', /^(?:Ruby|Faraday)\b/],
  ['PHP', /^(?:GuzzleHttp|Symfony)/],
  ['Dart', /^Dart\//],
  ['Android app', /^(?:okhttp\/|Dalvik\/)/],
  ['PowerShell', /\bWindowsPowerShell\/|\bPowerShell\//],
]

/** What iOS and macOS send for an app that sets nothing: `Name/1 CFNetwork/1568 Darwin/24`. */
function appleApp(text: string): string | undefined {
  const name = /^([\w.%-]{1,64})\/[\w.]+ CFNetwork\//.exec(text)?.[1]
  return name === undefined ? undefined : `${readableName(name)} on an Apple device`
}

/** For everything else, the name in front of the first slash, if that is all there is to it. */
function firstProduct(text: string): string | undefined {
  const name = /^([A-Za-z][\w.-]{1,63})(?:\/|$)/.exec(text)?.[1]
  return name === undefined || name === 'Mozilla' ? undefined : readableName(name)
}

/** Without dots: mail programs make links of what looks like an address, and this stands in mails of ours. */
function readableName(name: string): string {
  return (
    name
      .replace(/%20|[_.]/g, ' ')
      .replace(/[^A-Za-z0-9 -]/g, '')
      .slice(0, 20)
      .trim() || 'App'
  )
}
