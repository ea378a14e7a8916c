<?php

$events = [
    ['topic' => 'news', 'data' => ['title' => 'Two at once']],
    ['topic' => 'orders.42', 'event' => 'updated', 'private' => true, 'data' => ['status' => 'sent']],
];
$request = curl_init('http://127.0.0.1:8080/publish');
curl_setopt_array($request, [
    CURLOPT_POSTFIELDS => implode("\n", array_map('json_encode', $events)),
    CURLOPT_HTTPHEADER => [
        'Authorization: Bearer '.trim(file_get_contents(__DIR__.'/php.key')),
        'Content-Type: application/x-ndjson',
    ],
    CURLOPT_RETURNTRANSFER => true,
]);
$answer = curl_exec($request);
if (curl_getinfo($request, CURLINFO_RESPONSE_CODE) !== 200) {
    throw new RuntimeException('not published: '.($answer ?: curl_error($request)));
}
