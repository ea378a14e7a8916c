<?php

$redis = new Redis();
$redis->connect('127.0.0.1', 6379);

$redis->publish('news', json_encode(['title' => 'Hello through Redis']));

$redis->xAdd('events', '*', [
    'topic' => 'orders.42',
    'event' => 'updated',
    'private' => '1',
    'data' => json_encode(['status' => 'delivered']),
], 10000, true);
