<?php

namespace App;

use Illuminate\Support\Facades\Http;

/** A Mercure hub of the 0.x protocol, over HTTP. Nothing in here knows which hub it is. */
class Mercure
{
    /** Publishes, and gives the id of the event. A queued listener is the place to call it from. */
    public static function publish(string $topic, array $data, bool $private = false): string
    {
        return Http::asForm()
            ->withToken(self::token(['publish' => ['*']]))
            ->post(config('mercure.url'), ['topic' => $topic, 'data' => json_encode($data)] + ($private ? ['private' => 'on'] : []))
            ->throw()
            ->body();
    }

    /** A token that is good for an hour, signed with HS256. */
    public static function token(array $rights): string
    {
        $encode = static fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
        $signed = $encode('{"typ":"JWT","alg":"HS256"}').'.'.$encode(json_encode(['mercure' => $rights, 'exp' => time() + 3600]));

        return $signed.'.'.$encode(hash_hmac('sha256', $signed, config('mercure.secret'), true));
    }
}
