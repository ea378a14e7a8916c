<?php

$answer = file_get_contents('http://127.0.0.1:8080/topics/news', false, stream_context_create(['http' => [
    'method' => 'POST',
    'header' => [
        'Authorization: Bearer '.trim(file_get_contents(__DIR__.'/php.key')),
        'Content-Type: application/json',
    ],
    'content' => json_encode(['title' => 'Hello without curl']),
    'timeout' => 5,
    'ignore_errors' => true,
]]));
if (!str_contains($http_response_header[0] ?? '', ' 200 ')) {
    throw new RuntimeException('not published: '.$answer);
}
