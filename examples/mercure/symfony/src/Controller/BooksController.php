<?php

namespace App\Controller;

use Symfony\Bundle\FrameworkBundle\Controller\AbstractController;
use Symfony\Component\HttpFoundation\Request;
use Symfony\Component\HttpFoundation\Response;
use Symfony\Component\Mercure\Authorization;
use Symfony\Component\Mercure\Discovery;
use Symfony\Component\Mercure\HubInterface;
use Symfony\Component\Mercure\Update;

/** Nothing in here knows which hub it is. */
class BooksController extends AbstractController
{
    /** A page that hears of every book, and of what is meant for its reader alone. */
    public function page(Request $request, HubInterface $hub, Authorization $authorization, Discovery $discovery): Response
    {
        // Who is signed in; an application takes it from the session.
        $reader = $request->query->get('reader', '1');
        $discovery->addLink($request);
        $authorization->setCookie($request, ["https://library.example/readers/{$reader}/{any}"]);
        $url = $hub->getPublicUrl().'?'.http_build_query(['topic' => 'https://library.example/books/{id}'])
            .'&'.http_build_query(['topic' => "https://library.example/readers/{$reader}/{any}"]);

        return new Response(sprintf(<<<'HTML'
            <!doctype html>
            <html lang="en"><title>Library</title><link rel="icon" href="data:,">
            <ul id="events"></ul>
            <script>
            const events = new EventSource(%s, { withCredentials: true })
            events.onopen = () => { document.documentElement.dataset.state = 'open' }
            events.onmessage = ({ data }) => {
              document.getElementById('events').append(Object.assign(document.createElement('li'), { textContent: data }))
            }
            </script>
            HTML, json_encode($url, \JSON_HEX_TAG)));
    }

    /** Everybody may know that a book is lent. */
    public function lend(string $id, HubInterface $hub): Response
    {
        return new Response($hub->publish(new Update("https://library.example/books/{$id}", json_encode(['book' => $id, 'lent' => true]))));
    }

    /** A reminder is nobody's business but the reader's. */
    public function remind(string $reader, Request $request, HubInterface $hub): Response
    {
        return new Response($hub->publish(new Update(
            ["https://library.example/readers/{$reader}/reminders", 'https://library.example/reminders'],
            $request->getContent(),
            true,
        )));
    }
}
