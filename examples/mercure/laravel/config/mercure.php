<?php

return [
    // The hub's address as the application has it, and as browsers have it.
    'url' => env('MERCURE_URL', 'http://127.0.0.1:8080/.well-known/mercure'),
    'public_url' => env('MERCURE_PUBLIC_URL', 'http://127.0.0.1:8080/.well-known/mercure'),
    // The secret that tokens are signed with, and the hub verifies them with.
    'secret' => env('MERCURE_JWT_SECRET', '!ChangeThisMercureHubJWTSecretKey!'),
];
