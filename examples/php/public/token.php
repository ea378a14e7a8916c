<?php

session_start();
$user = $_SESSION['user'] ?? null;
session_write_close();

if ($user === null) {
    http_response_code(401);
    exit;
}
$secret = trim(file_get_contents(__DIR__.'/../jwt.key'));
$encode = fn (string $bytes) => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
$claims = ['sub' => $user, 'exp' => time() + 3600, 'tidings' => ['subscribe' => ['news', "orders.$user"]]];
$signed = $encode('{"alg":"HS256","typ":"JWT"}').'.'.$encode(json_encode($claims));
$token = $signed.'.'.$encode(hash_hmac('sha256', $signed, $secret, true));
setcookie('tidings_token', $token, [
    'expires' => $claims['exp'],
    'path' => '/events',
    'secure' => isset($_SERVER['HTTPS']),
    'httponly' => true,
    'samesite' => 'Lax',
]);
http_response_code(204);
