<?php

session_start();
$user = $_SESSION['user'] ?? null;
session_write_close();

if ($user === null) {
    http_response_code(401);
    exit;
}
$question = json_decode(file_get_contents('php://input'), true);
$allow = $question['action'] === 'subscribe' && in_array($question['topic'] ?? null, ['news', "orders.$user"], true);
header('Content-Type: application/json');
echo json_encode(['allow' => $allow, 'user' => $user, 'expires_in' => 3600]);
