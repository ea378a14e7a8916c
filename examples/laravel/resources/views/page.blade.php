<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>Shop</title><link rel="icon" href="data:,">
<script type="importmap">
{"imports": {
  "laravel-echo": "/npm/laravel-echo/dist/echo.js",
  "tidings/echo": "/npm/tidings/src/echo/index.js"
}}
</script>
<body data-user="{{ $user->id }}">
  <p>Signed in as <b>{{ $user->name }}</b>, in the room: <span id="room"></span> <i id="typing"></i></p>
  <form id="say"><input name="text" autocomplete="off"><button>Say</button></form>
  @foreach ($orders as $order)
    <button class="ship" data-order="{{ $order->id }}">Ship order {{ $order->id }}</button>
  @endforeach
  <form method="post" action="/logout">@csrf<button>Sign out</button></form>
  <ul id="events"></ul>
  <script type="module" src="/js/page.js"></script>
</body>
</html>
