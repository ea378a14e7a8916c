<?php

function publish(string $topic, mixed $data, array $query = []): array
{
    $request = curl_init('http://127.0.0.1:8080/topics/'.rawurlencode($topic).'?'.http_build_query($query));
    curl_setopt_array($request, [
        CURLOPT_POSTFIELDS => json_encode($data, JSON_THROW_ON_ERROR),
        CURLOPT_HTTPHEADER => [
            'Authorization: Bearer '.trim(file_get_contents(__DIR__.'/php.key')),
            'Content-Type: application/json',
        ],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 5,
    ]);
    $answer = curl_exec($request);
    if (curl_getinfo($request, CURLINFO_RESPONSE_CODE) !== 200) {
        throw new RuntimeException('not published: '.($answer ?: curl_error($request)));
    }
    return json_decode($answer, true);
}

publish('news', ['title' => 'Hello']);
publish('orders.42', ['status' => 'paid'], ['event' => 'updated', 'private' => 'true']);
