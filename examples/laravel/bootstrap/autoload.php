<?php

// Debian's php-laravel-framework lies on PHP's include path and brings its own class loader, which
// covers the framework and, where it is installed, Predis. There is no vendor/ folder and no
// Composer: only the application's own classes are left to find.
require 'Illuminate/autoload.php';

spl_autoload_register(static function (string $class): void {
    if (strncmp($class, 'App\\', 4) === 0) {
        $file = dirname(__DIR__).'/app/'.strtr(substr($class, 4), '\\', '/').'.php';
        if (is_file($file)) {
            require $file;
        }
    }
});
