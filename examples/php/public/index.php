<?php

session_start();
$user = $_SESSION['user'] ?? null;
session_write_close();

$topics = $user === null ? 'topic=news' : 'topic=news&topic='.rawurlencode("orders.$user");
?>
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>News and orders</title>
<link rel="icon" href="data:,">
<?php if ($user === null) { ?>
<form method="post" action="/login.php">
  <label>Name <input name="name" value="ann"></label>
  <label>Password <input name="password" type="password"></label>
  <button>Sign in</button>
</form>
<?php } ?>
<ol></ol>
<script>
  const show = ({ type, data }) => {
    const item = document.createElement('li')
    item.textContent = `${type}: ${data}`
    document.querySelector('ol').append(item)
  }
  const events = new EventSource('http://127.0.0.1:8080/events?<?= $topics ?>', { withCredentials: true })
  events.onmessage = show
  events.addEventListener('updated', show)
</script>
</html>
