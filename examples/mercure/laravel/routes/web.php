<?php

use App\Events\BookLent;
use App\Events\ReaderReminded;
use App\Mercure;
use Illuminate\Http\Request;
use Illuminate\Support\Facades\Route;

// A page that hears of every book, and of what is meant for its reader alone.
Route::get('/', function (Request $request) {
    // Who is signed in; an application asks auth().
    $reader = $request->query('reader', '1');
    $topics = ['https://library.example/books/{id}', "https://library.example/readers/{$reader}/{any}"];
    $url = config('mercure.public_url').'?'.implode('&', array_map(static fn ($topic) => 'topic='.rawurlencode($topic), $topics));
    $script = json_encode($url, JSON_HEX_TAG);

    // In an application with EncryptCookies, name the cookie in that middleware's $except: the hub has to read it.
    return response(<<<HTML
        <!doctype html>
        <html lang="en"><title>Library</title><link rel="icon" href="data:,">
        <ul id="events"></ul>
        <script>
        const events = new EventSource($script, { withCredentials: true })
        events.onopen = () => { document.documentElement.dataset.state = 'open' }
        events.onmessage = ({ data }) => {
          document.getElementById('events').append(Object.assign(document.createElement('li'), { textContent: data }))
        }
        </script>
        HTML)->cookie(
        'mercureAuthorization',
        Mercure::token(['subscribe' => ["https://library.example/readers/{$reader}/{any}"]]),
        60,
        '/.well-known/mercure',
        null,
        $request->secure(),
        true,
        false,
        'strict',
    );
});

Route::post('/books/{id}/lend', fn (string $id) => event(new BookLent($id)));
Route::post('/readers/{reader}/remind', fn (Request $request, string $reader) => event(new ReaderReminded($reader, $request->getContent())));
