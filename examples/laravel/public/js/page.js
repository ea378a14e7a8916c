import './bootstrap.js'

const user = Number(document.body.dataset.user)
const own = (id) => document.getElementById(id)

function show(text) {
  own('events').prepend(Object.assign(document.createElement('li'), { textContent: text }))
}

/** A request to Laravel. X-Socket-ID is what toOthers() goes by, X-XSRF-TOKEN what Laravel wants of every form. */
function post(path, body = {}) {
  const token = decodeURIComponent(/XSRF-TOKEN=([^;]*)/.exec(document.cookie)[1])
  const headers = { 'Content-Type': 'application/json', 'X-XSRF-TOKEN': token, 'X-Socket-ID': window.Echo.socketId() ?? '' }
  return fetch(path, { method: 'POST', headers, body: JSON.stringify(body) })
}

// Public: everybody who is here.
window.Echo.channel('messages').listen('.message.sent', ({ from, text }) => show(`${from}: ${text}`))

// Private: this user alone. A notification, and what becomes of the orders.
window.Echo.private(`App.Models.User.${user}`)
  .notification(({ amount }) => show(`An invoice of ${amount} is paid`))
  .listen('.OrderUpdated', ({ model }) => show(`Order ${model.id} is ${model.status}`))

// Presence: who else is in the room, and who is typing.
const people = new Map()
const list = () => { own('room').textContent = [...people.values()].join(', ') }
const room = window.Echo.join('room.1')
  .here((users) => { users.forEach(({ id, name }) => people.set(id, name)); list() })
  .joining(({ id, name }) => { people.set(id, name); list() })
  .leaving(({ id }) => { people.delete(id); list() })
  .listenForWhisper('typing', ({ name }) => { own('typing').textContent = `${name} is typing` })

own('say').addEventListener('input', () => room.whisper('typing', { name: people.get(user) }))
own('say').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { text } = event.target.elements
  const answer = await post('/messages', { text: text.value })
  if (answer.ok) show(`me: ${text.value}`)
  text.value = ''
})

for (const button of document.querySelectorAll('.ship')) {
  button.addEventListener('click', () => post(`/orders/${button.dataset.order}/ship`))
}
