// An event stream as it comes over the wire, for what a page cannot see: status, headers, exact bytes.

import { get } from 'node:http'
import { until } from './wait.mjs'

/** Opens the stream; resolves when its head has arrived. */
export async function openStream(t, url, headers = {}) {
  const stream = await new Promise((resolve, reject) => {
    const request = get(url, { headers: { Accept: 'text/event-stream', ...headers }, agent: false }, (response) => {
      resolve(new Stream(request, response))
    })
    request.on('error', reject)
  })
  t.after(() => stream.close())
  return stream
}

class Stream {
  text = ''
  ended = false

  constructor(request, response) {
    this.request = request
    this.status = response.statusCode
    this.headers = response.headers
    response.setEncoding('utf8')
    response.on('data', (text) => { this.text += text })
    response.on('close', () => { this.ended = true })
    response.on('error', () => {})
    request.on('error', () => {})
  }

  async receives(text) {
    await until(`the stream carries ${JSON.stringify(text)}`, () => this.text.includes(text))
  }

  close() {
    this.request.destroy()
  }
}
