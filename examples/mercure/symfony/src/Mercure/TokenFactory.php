<?php

namespace App\Mercure;

use Symfony\Component\Mercure\Jwt\TokenFactoryInterface;

/**
 * Signs the tokens that LcobucciFactory signs where the package lcobucci/jwt is there, which Debian does not have: HS256,
 * the claim `mercure`, and an hour to live.
 */
final class TokenFactory implements TokenFactoryInterface
{
    private string $secret;

    public function __construct(string $secret)
    {
        $this->secret = $secret;
    }

    public function create(?array $subscribe = [], ?array $publish = [], array $additionalClaims = []): string
    {
        $claims = $additionalClaims + ['exp' => new \DateTimeImmutable('+1 hour')];
        $claims['mercure'] = array_filter(['publish' => $publish, 'subscribe' => $subscribe], 'is_array') + ($claims['mercure'] ?? []);
        if ($claims['exp'] instanceof \DateTimeInterface) {
            $claims['exp'] = $claims['exp']->getTimestamp();
        }
        $encode = static fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        $signed = $encode(json_encode(['typ' => 'JWT', 'alg' => 'HS256'])).'.'.$encode(json_encode($claims));

        return $signed.'.'.$encode(hash_hmac('sha256', $signed, $this->secret, true));
    }
}
