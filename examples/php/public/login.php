<?php

// Ann's password is "secret".
$users = ['ann' => ['id' => '42', 'password' => '$2y$10$xbil4kKWAG.jiEm17m7eHeMcX6aCVrUTVna8GSU7b6kSkStwGFlK6']];

session_start();
$user = $users[$_POST['name'] ?? ''] ?? null;
if ($user !== null && password_verify($_POST['password'] ?? '', $user['password'])) {
    session_regenerate_id(true);
    $_SESSION['user'] = $user['id'];
}
header('Location: /', true, 303);
