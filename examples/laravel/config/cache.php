<?php

// `queue:work` looks in the cache for a request to restart; nothing else here caches.
return [
    'default' => 'array',
    'stores' => ['array' => ['driver' => 'array']],
];
