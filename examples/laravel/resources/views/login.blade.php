<!doctype html>
<html lang="en">
<meta charset="utf-8"><title>Sign in</title><link rel="icon" href="data:,">
<form method="post" action="/login">
  @csrf
  <p>{{ $errors->first('email') }}</p>
  <label>Email <input name="email" value="ada@example.com"></label>
  <label>Password <input name="password" type="password"></label>
  <button>Sign in</button>
</form>
</html>
