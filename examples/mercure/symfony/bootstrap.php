<?php

// Debian's packages lie on PHP's include path and bring class loaders of their own. There is no vendor/ folder and no
// Composer: only the application's own classes are left to find.

use Symfony\Component\Dotenv\Dotenv;

require 'Symfony/Bundle/FrameworkBundle/autoload.php';
require 'Symfony/Component/Dotenv/autoload.php';
require 'Symfony/Component/Mercure/autoload.php';
require 'Symfony/Component/Yaml/autoload.php';

spl_autoload_register(static function (string $class): void {
    $file = __DIR__.'/src/'.strtr(substr($class, 4), '\\', '/').'.php';
    if (strncmp($class, 'App\\', 4) === 0 && is_file($file)) {
        require $file;
    }
});

(new Dotenv())->usePutenv(false)->bootEnv(__DIR__.'/.env');
