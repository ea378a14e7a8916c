// What both servers understand: GET /events?topic=T subscribes, POST /topics/T publishes the body.

export function topicOfSubscription(url) {
  return url.searchParams.get('topic')
}

export function topicOfPublication(url) {
  return decodeURIComponent(url.pathname.slice('/topics/'.length))
}

export async function readBody(request) {
  request.setEncoding('utf8')
  let body = ''
  for await (const text of request) body += text
  return body
}
