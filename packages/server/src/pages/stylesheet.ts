import { WrongDeclaration } from '../wrong-declaration.ts'
import { contrast } from './color.ts'
import { type Palette, palettes, type Theme } from './theme.ts'

/** The one stylesheet of the hosted pages. A value that is none is a `WrongDeclaration`. */
export function stylesheet(theme: Theme): string {
  const { radiusPixels, font, schemes } = theme
  if (!(radiusPixels >= 0 && radiusPixels <= 32)) throw new WrongDeclaration('theme.radius_pixels: must be 0 to 32.')
  if (font.length > 300 || !fontNames.test(font)) {
    throw new WrongDeclaration(
      `theme.font: must be names of fonts, separated by commas, such as "Source Sans 3", sans-serif.`,
    )
  }
  const { light, dark } = palettes(theme)
  const [first, second] = schemes === 'dark' ? [dark, undefined] : [light, schemes === 'light' ? undefined : dark]
  return `:root {
  color-scheme: ${colorScheme(theme)};
  --radius: ${radiusPixels}px;
  --radius-small: ${Math.round(radiusPixels * 0.56)}px;
  --font: ${font};
${variables(first)}
}
${second === undefined ? '' : `@media (prefers-color-scheme: dark) {\n  :root {\n${variables(second)}\n  }\n}\n`}${rules}`
}

/** For `<meta name="color-scheme">` and the property of that name. */
export function colorScheme({ schemes }: Theme): string {
  return schemes === 'both' ? 'light dark' : schemes
}

const fontNames = /^(?:"[\w .-]+"|[a-z-][\w-]*)(?:, ?(?:"[\w .-]+"|[a-z-][\w-]*))*$/i

function variables(palette: Palette): string {
  const shadow = contrast(palette.surface, '#000000') > contrast(palette.surface, '#ffffff') ? lifted : 'none'
  return [
    ...Object.entries(palette).map(([name, color]) => {
      return `  --${name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)}: ${color};`
    }),
    `  --shadow: ${shadow};`,
  ].join('\n')
}

const lifted = '0 1px 2px rgb(0 0 0 / 0.04), 0 12px 32px -12px rgb(0 0 0 / 0.1)'

/** Colours only by variable; directions only by inline and block, so that right-to-left languages need nothing more. */
const rules = `
*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0;
  min-block-size: 100vh;
  min-block-size: 100svh;
  display: grid;
  grid-template: auto 1fr auto / minmax(0, 1fr);
  background: var(--ground);
  color: var(--ink);
  font: 1rem/1.5 var(--font);
  overflow-wrap: anywhere;
}
h1, h2, h3, p, ul, dl, dd { margin: 0; padding: 0; }
h1 { font-size: 1.75rem; line-height: 1.2; font-weight: 650; letter-spacing: -0.02em; text-wrap: balance; }
h2 { font-size: 1.1875rem; line-height: 1.3; font-weight: 650; letter-spacing: -0.01em; }
h3 { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.625rem; font-size: 1rem; line-height: 1.5; font-weight: 600; }
/* Safari takes a list without marks for no list: role="list" says that it is one. */
ul { list-style: none; }
code { font: 0.9375em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
a { color: var(--accent-ink); font-weight: 550; text-underline-offset: 0.2em; text-decoration-thickness: 0.08em; }
a:hover { text-decoration-thickness: 0.14em; }
:focus-visible { outline: 3px solid var(--accent-ink); outline-offset: 2px; }
.unseen { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

/* Two rings of lines that cross, as on a banknote: one drawn by each half of the mark. */
.narrow::before {
  content: "";
  position: fixed;
  inset: 0;
  z-index: -1;
  background:
    repeating-radial-gradient(circle at 30% 112%, transparent 0 18px, var(--line) 18.5px 19px, transparent 19.5px),
    repeating-radial-gradient(circle at 70% 112%, transparent 0 18px, var(--line) 18.5px 19px, transparent 19.5px);
  -webkit-mask-image: linear-gradient(to top, black, transparent 70%);
  mask-image: linear-gradient(to top, black, transparent 70%);
}
.head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.75rem 1rem; padding: 1.25rem clamp(1rem, 4vw, 2.5rem); }
.brand { display: flex; align-items: center; gap: 0.625rem; font-weight: 650; letter-spacing: -0.01em; }
.mark { inline-size: 2rem; block-size: 2rem; flex: none; }
img.mark { inline-size: auto; max-inline-size: min(12rem, 50vw); object-fit: contain; }
.mark-sign { fill: var(--accent-ink); }
.mark-countersign { fill: var(--accent-ink); fill-opacity: 0.5; }
.foot { padding: 1.25rem clamp(1rem, 4vw, 2.5rem); color: var(--quiet); font-size: 0.875rem; text-align: center; text-wrap: balance; }
.foot p + nav { margin-block-start: 0.75rem; }
.languages { display: flex; flex-wrap: wrap; justify-content: center; gap: 0 0.25rem; padding: 0; }
.languages a, .languages span { display: flex; align-items: center; min-block-size: 2.25rem; padding-inline: 0.75rem; }
.languages span { color: var(--ink); font-weight: 600; }

main { inline-size: 100%; margin-inline: auto; padding: 0 clamp(0.75rem, 4vw, 2.5rem) 2rem; }
.narrow main { max-inline-size: calc(26rem + 2 * clamp(0.75rem, 4vw, 2.5rem)); align-self: center; padding-block-end: clamp(1rem, 10vh, 6rem); }
.wide main { max-inline-size: calc(50rem + 2 * clamp(0.75rem, 4vw, 2.5rem)); display: grid; grid-template-columns: minmax(0, 1fr); align-content: start; gap: 1.25rem; }
.wide .head { inline-size: 100%; max-inline-size: calc(50rem + 2 * clamp(0.75rem, 4vw, 2.5rem)); margin-inline: auto; padding-inline: clamp(0.75rem, 4vw, 2.5rem); }
.welcome { padding-block: 0.75rem 0.5rem; }

.card {
  padding: clamp(1.25rem, 5vw, 2.25rem);
  border: 1px solid var(--line);
  border-radius: var(--radius);
  background: var(--surface);
  box-shadow: var(--shadow);
}
.welcome h1 + p { margin-block-start: 0.375rem; }
.card > h1 + p { margin-block-start: 0.5rem; }
.lead { color: var(--quiet); }
.name { color: var(--ink); font-weight: 600; }
.host { display: block; color: var(--quiet); font-size: 0.875rem; }
.hint { color: var(--quiet); font-size: 0.875rem; }
h2 + .hint { margin-block-start: 0.25rem; }
.scopes + .hint { margin-block-start: 0.75rem; }
.asking { margin-block-start: 0.125rem; }
.aside { margin-block-start: 1.5rem; padding-block-start: 1.25rem; border-block-start: 1px solid var(--line); color: var(--quiet); text-align: center; }
.aside a { display: inline-block; }
.way-on { margin-block-start: 1.5rem; }
.left-title { margin-block-start: 1.5rem; }

.connections { margin-block-start: 1.5rem; }
.connections ul { display: grid; gap: 0.625rem; margin-block-start: 1rem; padding: 0; list-style: none; }
.ways { display: grid; margin-block-start: 1rem; padding: 0; list-style: none; border-block: 1px solid var(--line); }
.way { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.5rem 1.5rem; padding-block: 1rem; }
.way + .way { border-block-start: 1px solid var(--line); }
.way-links { display: flex; flex-wrap: wrap; gap: 0.75rem; margin-block-start: 1rem; padding: 0; list-style: none; }
.connections .button { inline-size: 100%; min-block-size: 2.875rem; overflow-wrap: anywhere; }
.or { display: flex; align-items: center; gap: 0.75rem; color: var(--quiet); font-size: 0.875rem; }
.or::before, .or::after { content: ""; flex: 1; border-block-start: 1px solid var(--line); }
.field { display: grid; gap: 0.375rem; margin-block-start: 1.125rem; }
.card > h1 ~ form > .field:first-of-type { margin-block-start: 1.5rem; }
label { font-weight: 550; font-size: 0.9375rem; }
.optional { color: var(--quiet); font-weight: 400; }
input {
  inline-size: 100%;
  min-block-size: 2.875rem;
  padding: 0.5rem 0.875rem;
  border: 1px solid var(--edge);
  border-radius: var(--radius-small);
  background: var(--surface);
  color: inherit;
  font: inherit;
}
/* Addresses, passwords and codes are written from left to right everywhere, and begin where the others do. */
[dir="rtl"] input[dir="ltr"] { text-align: end; }
/* Letters that are joined must not be moved apart. */
[dir="rtl"] :is(h1, h2, h3, .brand) { letter-spacing: 0; }
input:hover { border-color: var(--quiet); }
input:focus-visible { outline-offset: -1px; border-color: var(--accent-ink); }
input[aria-invalid] { border-color: var(--danger); box-shadow: inset 0 0 0 1px var(--danger); }
input:autofill { -webkit-text-fill-color: var(--ink); box-shadow: inset 0 0 0 4rem var(--sunken); }
.field-error { color: var(--danger); font-size: 0.875rem; font-weight: 550; }

.button {
  display: inline-flex;
  align-items: center;
  justify-content: center;
  min-block-size: 2.5rem;
  padding: 0.375rem 1rem;
  border: 1px solid var(--edge);
  border-radius: var(--radius-small);
  background: var(--surface);
  color: var(--ink);
  font: inherit;
  font-size: 0.9375rem;
  font-weight: 600;
  text-align: center;
  text-decoration: none;
  cursor: pointer;
}
.button:hover { background: var(--sunken); }
.button.main { min-block-size: 2.875rem; padding-inline: 1.25rem; border-color: transparent; background: var(--accent); color: var(--on-accent); font-size: 1rem; }
.button.main .name { color: inherit; }
.button.main:hover { background: color-mix(in srgb, var(--accent) 88%, var(--accent-hover)); }
.button.danger { border-color: var(--danger); color: var(--danger); }
.button.main.danger { background: var(--danger); color: var(--surface); }
.button.danger:hover, .button.main.danger:hover { background: var(--danger-ground); color: var(--danger); border-color: var(--danger); }
form > .button.main { margin-block-start: 1.5rem; }
.narrow form > .button.main, .narrow .way-on > .button { inline-size: 100%; }

.code { font: 600 1.5rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; letter-spacing: 0.12em; text-align: center; text-transform: uppercase; }
.user-code { margin-block-start: 1.25rem; padding: 0.5rem; border: 1px dashed var(--edge); border-radius: var(--radius-small); font: 600 1.5rem/1.4 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; letter-spacing: 0.12em; text-align: center; }
.facts { display: grid; gap: 0.25rem; margin-block-start: 1.25rem; color: var(--quiet); font-size: 0.9375rem; }
.card > .facts + h2 { margin-block-start: 1.25rem; font-size: 1rem; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 9rem), 1fr)); gap: 0.75rem; margin-block-start: 1.5rem; }
.answer > .button, .answer > .button.main { inline-size: 100%; min-block-size: 2.875rem; margin-block-start: 0; }
.banner { display: flex; gap: 0.625rem; padding: 0.75rem 0.875rem; border: 1px solid; border-radius: var(--radius-small); font-size: 0.9375rem; }
.banner-icon { flex: none; inline-size: 1.25rem; block-size: 1.25rem; margin-block-start: 0.0625rem; fill: none; stroke: currentcolor; stroke-width: 1.75; stroke-linecap: round; stroke-linejoin: round; }
.card > .banner { margin-block-start: 1.25rem; }
.banner-error { border-color: color-mix(in srgb, var(--danger) 40%, transparent); background: var(--danger-ground); color: var(--danger); }
.banner-success { border-color: color-mix(in srgb, var(--success) 40%, transparent); background: var(--success-ground); color: var(--success); }
.banner-notice { border-color: var(--line); background: var(--sunken); }

.sessions { display: grid; grid-template-columns: auto minmax(0, 1fr) auto; column-gap: 1rem; margin-block: 1rem 1.25rem; border-block: 1px solid var(--line); }
.session { grid-column: 1 / -1; display: grid; grid-template-columns: subgrid; row-gap: 0.25rem; align-items: start; padding-block: 1.125rem; }
.session + .session { border-block-start: 1px solid var(--line); }
.device-icon { inline-size: 2.5rem; block-size: 2.5rem; padding: 0.5rem; border-radius: var(--radius-small); background: var(--sunken); fill: none; stroke: var(--quiet); stroke-width: 1.5; stroke-linecap: round; stroke-linejoin: round; }
.badge { display: inline-block; padding: 0.0625rem 0.5rem; border-radius: 1rem; background: var(--success-ground); color: var(--success); font-size: 0.8125rem; font-weight: 600; }
.session dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 12rem), 1fr)); gap: 0.125rem 1.5rem; margin-block-start: 0.25rem; }
.session .whole { grid-column: 1 / -1; }
dl > div { display: flex; flex-wrap: wrap; gap: 0 0.375rem; }
.session dl, .details dl { color: var(--quiet); font-size: 0.875rem; }
dt::after { content: ":"; }
dd, dd .name { color: var(--ink); font-weight: 450; }
.number { font-variant-numeric: tabular-nums; }
.scopes { display: grid; gap: 0.5rem; margin-block-start: 0.75rem; }
.scopes li { position: relative; padding-inline-start: 1.75rem; }
.scopes li::before { content: ""; position: absolute; inset-inline-start: 0.25rem; inset-block-start: 0.4375rem; inline-size: 0.75rem; block-size: 0.375rem; border: solid var(--accent-ink); border-width: 0 0 0.125rem 0.125rem; transform: rotate(-45deg); }
.consent .asking .host { color: var(--ink); font-size: 1rem; font-weight: 600; }
.consent section { margin-block-start: 1.25rem; }
.consent section h2 { font-size: 1rem; }
.consent > .hint, .card > .lead + .hint { margin-block-start: 1rem; }
.about { display: grid; gap: 0.25rem; margin-block-start: 1.25rem; color: var(--quiet); font-size: 0.875rem; }
.differences { display: grid; gap: 0.75rem; margin-block-start: 0.75rem; font-size: 0.9375rem; }
.differences > div { display: grid; grid-template-columns: minmax(0, 13rem) minmax(0, 1fr); gap: 0 1.5rem; }
.differences dt { font-weight: 600; }
.differences dt::after { content: none; }
.differences dd { color: var(--quiet); }
.times { display: flex; flex-wrap: wrap; gap: 0.125rem 1.5rem; margin-block-start: 0.5rem; color: var(--quiet); font-size: 0.875rem; }
.application h3 { margin-block-start: 1.25rem; }
.application .scopes { margin-block-start: 0.5rem; gap: 0.25rem; }
.application .sessions { margin-block-start: 0.5rem; }
.application .hint + .ending { margin-block-start: 1rem; }
.device { display: flex; flex-wrap: wrap; align-items: center; gap: 0 0.625rem; }
.badge.plain { background: var(--sunken); color: var(--quiet); }
.end-application, .withdraw { display: grid; justify-items: start; gap: 0.625rem; }
.ending { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); align-items: start; gap: 1rem 2rem; }
.end-others, .end-all { display: grid; justify-items: start; gap: 0.625rem; }
summary { list-style: none; inline-size: fit-content; }
summary::-webkit-details-marker { display: none; }
details[open] > summary { margin-block-end: 0.75rem; background: var(--sunken); }
.wide .card > form > .field { max-inline-size: 24rem; }

.card > .lead + dl { display: grid; gap: 0.25rem; margin-block: 1rem 1.25rem; }
.button + .hint { margin-block-start: 0.625rem; }

.details { margin-block-start: 1.75rem; padding-block-start: 1.25rem; border-block-start: 1px solid var(--line); }
.details h2 { font-size: 0.875rem; font-weight: 600; letter-spacing: 0; }
.details dl { display: grid; gap: 0.25rem; margin-block-start: 0.5rem; }

@media (max-width: 34rem) {
  .sessions { grid-template-columns: auto minmax(0, 1fr); }
  .session > form { grid-column: 2; margin-block-start: 0.5rem; }
  .differences > div { grid-template-columns: minmax(0, 1fr); }
}
@media (max-width: 26rem) {
  .ending .button, .wide .card > form > .button { inline-size: 100%; }
  .end-others, .end-all, .end-application, .withdraw, details { inline-size: 100%; }
}
@media (prefers-reduced-motion: no-preference) {
  .button, input { transition: background-color 120ms, border-color 120ms; }
}
@media (prefers-contrast: more) {
  :root { --line: var(--edge); --quiet: var(--ink); }
}
@media (forced-colors: active) {
  .mark-sign { fill: CanvasText; }
  .mark-countersign { fill: GrayText; fill-opacity: 1; }
  .badge { border: 1px solid; }
}
`
