<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>Echo</title><link rel="icon" href="data:,">
{{-- The packages as npm has them; `versions` says which. --}}
<script type="importmap">
{"imports": {
  "laravel-echo": "/npm/{{ str_ends_with($versions, '1') ? 'laravel-echo-1' : 'laravel-echo' }}/dist/echo.js",
  "laravel-wave": "/npm/laravel-wave/dist/wave.js",
  "@qruto/fetch-event-source": "/npm/@qruto/fetch-event-source/lib/esm/index.js",
  "/npm/@qruto/fetch-event-source/lib/esm/fetch": "/npm/@qruto/fetch-event-source/lib/esm/fetch.js",
  "/npm/@qruto/fetch-event-source/lib/esm/parse": "/npm/@qruto/fetch-event-source/lib/esm/parse.js",
  "tidings/echo": "/npm/tidings/src/echo/index.js"
}}
</script>
<script type="module">
import Echo from 'laravel-echo'
@if (str_starts_with($versions, 'wave'))
import { WaveConnector as Connector } from 'laravel-wave'
@else
import { TidingsConnector as Connector } from 'tidings/echo'
@endif
// `?token=` is a page that has no cookie, `?debug` one that is being worked on.
const query = new URLSearchParams(location.search)
const token = query.get('token')
window.echo = new Echo({
  broadcaster: Connector,
  debug: query.has('debug'),
  ...(token && { bearerToken: token, auth: { headers: { Authorization: `Bearer ${token}` } } }),
})
</script>
</html>
