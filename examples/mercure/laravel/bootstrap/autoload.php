<?php

// As in examples/laravel: Debian's packages bring class loaders of their own, and only the application's own classes are
// left to find. Guzzle is what Laravel's Http facade is made of.
require 'Illuminate/autoload.php';
require 'GuzzleHttp/autoload.php';

spl_autoload_register(static function (string $class): void {
    $file = dirname(__DIR__).'/app/'.strtr(substr($class, 4), '\\', '/').'.php';
    if (strncmp($class, 'App\\', 4) === 0 && is_file($file)) {
        require $file;
    }
});
