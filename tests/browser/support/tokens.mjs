// JSON Web Tokens of each kind, signed here and not by the program under test.

import { createHmac } from 'node:crypto'

const DETAIL = 'https://mercure.rocks/authorization-detail'

/** What is signed and verified with in the tests: long enough, and nobody's secret. */
export const SECRET = 'a-secret-that-only-the-tests-know-of'

/** Who makes tokens of Mercure 1.0, and for whom. */
export const ISSUER = 'https://issuer.example'
export const AUDIENCE = 'https://hub.example/.well-known/mercure'

/** The secret of the key of an operator, who may do everything. */
export const OPERATOR = 'operator-0123456789abcdef'

/** The configuration of a hub that takes all of these. */
export const CONFIGURATION = `
[[keys]]
name = "operator"
secret = "${OPERATOR}"
publish = ["*"]
subscribe = ["*"]
admin = true

[[jwt]]
name = "tests"
issuer = "${ISSUER}"
audience = "${AUDIENCE}"
key = "${SECRET}"
`

export function inSeconds(seconds) {
  return Math.floor(Date.now() / 1000) + seconds
}

/** A token with these claims, HS256. */
export function sign(claims, { typ = 'JWT', secret = SECRET } = {}) {
  const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const signed = `${encode({ alg: 'HS256', typ })}.${encode(claims)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}

/** A native token. */
export function native({ publish = [], subscribe = [], ...claims }, secret = SECRET) {
  return sign({ iss: ISSUER, aud: AUDIENCE, exp: inSeconds(3600), ...claims, tidings: { publish, subscribe } }, { secret })
}

/** A token of Mercure 0.x. */
export function v0({ publish = [], subscribe = [], payload, ...claims }) {
  return sign({ exp: inSeconds(3600), ...claims, mercure: { publish, subscribe, payload } })
}

/** A token of Mercure 1.0. Topics with `:` in a segment or with `*` are URL patterns. */
export function v1({ publish = [], subscribe = [], payload, ...claims }) {
  const topics = (list) => list.map((match) => (/\/:|\*./.test(match) ? { match, match_type: 'urlpattern' } : { match }))
  const detail = (action, list) => (list.length === 0 ? [] : [{ type: DETAIL, actions: [action], topics: topics(list), payload }])
  return sign(
    { iss: ISSUER, aud: AUDIENCE, exp: inSeconds(3600), ...claims, authorization_details: [...detail('publish', publish), ...detail('subscribe', subscribe)] },
    { typ: 'at+jwt' },
  )
}
