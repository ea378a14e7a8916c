//! What helps, as the lines to write into the configuration of the proxy that is there. `docs/proxies.md` and the files
//! in `deploy/` say the same.

use super::proxy::Proxy::{self, Alb, Apache, Caddy, Cloudflare, Cloudfront, Envoy, Haproxy, Nginx, Traefik};

/// What a proxy can do to streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ailment {
    Buffered,
    Compressed,
    Cut,
    NoHeartbeat,
    LastEventId,
    Authorization,
    Cookie,
    Query,
    CacheControl,
    ClientAddress,
    OldHttp,
    NoHttp2,
    Cors,
    CorsTwice,
    Origin,
    Crowd,
    Upstream,
    Head,
}

/// The advice, for this proxy if it is known.
pub(super) fn advice(ailment: Ailment, proxy: Option<Proxy>) -> String {
    match proxy.and_then(|proxy| Some((proxy, lines(ailment, proxy)?))) {
        Some((proxy, lines)) => format!("{}: {lines}", proxy.name()),
        None => general(ailment).to_owned(),
    }
}

fn lines(ailment: Ailment, proxy: Proxy) -> Option<&'static str> {
    Some(match (ailment, proxy) {
        (Ailment::Buffered, Nginx) => {
            "in the location of the streams\nproxy_buffering off;\nand without `proxy_ignore_headers X-Accel-Buffering`, which takes the hub's word away"
        }
        (Ailment::Buffered, Caddy) => "in reverse_proxy\nflush_interval -1",
        (Ailment::Buffered, Haproxy) => {
            "in the backend\noption http-no-delay\nand without `option http-buffer-response` or a cache"
        }
        (Ailment::Buffered, Apache) => {
            "ProxyPass with flushpackets=on, and no filter (mod_deflate, mod_buffer) on the streams\nSetEnvIfExpr \"req('Accept') =~ m#text/event-stream#\" no-gzip=1 no-brotli=1"
        }
        (Ailment::Buffered, Traefik) => {
            "no buffering middleware on this router, and\nserversTransport … responseForwarding: { flushInterval: 1ms }"
        }
        (Ailment::Buffered, Cloudflare) => {
            "a Configuration Rule for /events* that switches off what rewrites bodies (Rocket Loader, Email Obfuscation, Auto Minify); the hub's `X-Accel-Buffering: no` must arrive: keep it in the server behind"
        }
        (Ailment::Compressed, Nginx) => {
            "in the location of the streams\ngzip off;\nor leave text/event-stream out of gzip_types"
        }
        (Ailment::Compressed, Caddy) => {
            "`encode` with a matcher that leaves the streams out\n@pages not path /events* /sse\nencode @pages gzip"
        }
        (Ailment::Compressed, Haproxy) => {
            "leave text/event-stream out of `compression type`, and leave the hub's `Cache-Control: no-transform` as it is"
        }
        (Ailment::Compressed, Apache) => {
            "SetEnvIfExpr \"req('Accept') =~ m#text/event-stream#\" no-gzip=1 no-brotli=1"
        }
        (Ailment::Compressed, Traefik) => {
            "middlewares: compress: { excludedContentTypes: [text/event-stream] }"
        }
        (Ailment::Compressed, Cloudflare) => {
            "a Compression Rule for /events* with no compression, or keep the hub's `Cache-Control: no-transform`"
        }
        (Ailment::Cut, Nginx) => {
            "in the location of the streams\nproxy_read_timeout 1h;\nproxy_send_timeout 1h;"
        }
        (Ailment::Cut, Caddy) => {
            "no `read_timeout` in `transport http`, and no `write` or `idle` under `servers { timeouts }` that is shorter than the heartbeat"
        }
        (Ailment::Cut, Haproxy) => {
            "in the backend\ntimeout server 1h\nand in the frontend\ntimeout client 1h"
        }
        (Ailment::Cut, Apache) => {
            "ProxyPass … timeout=3600\nand a `Timeout` that is longer than the heartbeat"
        }
        (Ailment::Cut, Traefik) => {
            "entryPoints: web: transport: respondingTimeouts: { writeTimeout: 0s, idleTimeout: 180s }"
        }
        (Ailment::Cut, Alb) => {
            "idle_timeout.timeout_seconds=120 (it counts bytes: heartbeats keep a stream open)"
        }
        (Ailment::Cut, Cloudflare) => {
            "it cuts after 100 s without a byte, which only heartbeats prevent: [stream] heartbeat = \"15s\" in tidings.toml"
        }
        (Ailment::Cut, Cloudfront) => "an origin response timeout of 60 s, longer than the heartbeat",
        (Ailment::Cut, Envoy) => "in the route\ntimeout: 0s\nidle_timeout: 1h",
        (Ailment::LastEventId, Nginx) => "remove `proxy_set_header Last-Event-ID` from the location",
        (Ailment::LastEventId, Caddy) => "remove `header_up -Last-Event-ID`",
        (Ailment::LastEventId, Haproxy) => "remove `http-request del-header Last-Event-ID`",
        (Ailment::LastEventId, Apache) => "remove `RequestHeader unset Last-Event-ID`",
        (Ailment::LastEventId, Cloudfront) => "an origin request policy that passes Last-Event-ID on",
        (Ailment::Authorization, Nginx) => "remove `proxy_set_header Authorization \"\"` from the location",
        (Ailment::Authorization, Apache) => {
            "remove `RequestHeader unset Authorization`; behind CGI or FastCGI\nCGIPassAuth on"
        }
        (Ailment::Authorization, Cloudfront) => {
            "an origin request policy (or cache policy) that passes Authorization on"
        }
        (Ailment::Cookie, Nginx) => "remove `proxy_set_header Cookie \"\"` from the location",
        (Ailment::Cookie, Cloudfront) => "an origin request policy that passes cookies on",
        (Ailment::Query, Nginx) => {
            "proxy_pass without variables or a path: `proxy_pass http://127.0.0.1:8080;`, or with them `$is_args$args` behind"
        }
        (Ailment::CacheControl, Nginx) => {
            "no `proxy_hide_header Cache-Control`, `add_header Cache-Control` or `expires` in the location of the streams"
        }
        (Ailment::CacheControl, Haproxy) => {
            "no `http-response set-header Cache-Control no-cache` or the like for the streams"
        }
        (Ailment::CacheControl, Apache) => {
            "no `Header set Cache-Control` and no ExpiresDefault for the streams"
        }
        (Ailment::ClientAddress, Nginx) => "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;",
        (Ailment::ClientAddress, Haproxy) => {
            "option forwardfor\nor `send-proxy-v2` on the server line, with `[proxies] protocol = true` in tidings.toml"
        }
        (Ailment::ClientAddress, Apache) => "ProxyAddHeaders On",
        (Ailment::OldHttp, Nginx) => "proxy_http_version 1.1;\nproxy_set_header Connection \"\";",
        (Ailment::OldHttp, Apache) => "remove `SetEnv force-proxy-request-1.0`",
        (Ailment::NoHttp2, Nginx) => {
            "listen 443 ssl http2;          # since 1.25.1: listen 443 ssl; http2 on;"
        }
        (Ailment::NoHttp2, Caddy) => {
            "`protocols h1 h2 h3` under `servers` (the default), and no `tls { alpn http/1.1 }`"
        }
        (Ailment::NoHttp2, Haproxy) => "bind :443 ssl crt … alpn h2,http/1.1",
        (Ailment::NoHttp2, Apache) => "a2enmod http2, then\nProtocols h2 http/1.1",
        (Ailment::NoHttp2, Alb) => "routing.http2.enabled=true",
        (Ailment::Cors, Nginx) => {
            "no `proxy_hide_header Access-Control-…` in the location; the hub sends these headers itself"
        }
        (Ailment::Cors, Caddy) => "no `header_down -Access-Control-*`; the hub sends these headers itself",
        (Ailment::Cors, Haproxy) => {
            "no `http-response del-header Access-Control-Allow-Origin`; the hub sends these headers itself"
        }
        (Ailment::Cors, Apache) => {
            "no `Header unset Access-Control-Allow-Origin`; the hub sends these headers itself"
        }
        (Ailment::CorsTwice, Nginx) => {
            "no `add_header Access-Control-…` for the hub's locations: the hub sends these headers itself"
        }
        (Ailment::CorsTwice, Apache) => {
            "no `Header add Access-Control-…` for the hub's locations: the hub sends these headers itself"
        }
        (Ailment::Crowd, Nginx) => {
            "each stream takes two of worker_connections\nevents { worker_connections 20000; }\nworker_rlimit_nofile 40000;\nand no limit_conn on the streams"
        }
        (Ailment::Crowd, Haproxy) => {
            "maxconn in `global`, in the frontend and on the server line, for as many streams as there shall be"
        }
        (Ailment::Crowd, Apache) => {
            "mpm_event, with room for all streams\nThreadsPerChild 64\nServerLimit 64\nMaxRequestWorkers 4096\nOn one HTTP/2 connection Apache begins with six streams, whatever is set"
        }
        (Ailment::Upstream, Nginx) => {
            "is the hub running, and is proxy_pass its address? The error log of nginx says more"
        }
        (Ailment::Upstream, Haproxy) => {
            "is the hub running, and is the `server` line its address? `show servers state` says more"
        }
        (Ailment::Upstream, Apache) => {
            "is the hub running, and is ProxyPass its address? Are mod_proxy and mod_proxy_http loaded?"
        }
        (Ailment::Upstream, Caddy) => {
            "is the hub running, and is reverse_proxy its address? Caddy's log says more"
        }
        _ => return None,
    })
}

fn general(ailment: Ailment) -> &'static str {
    match ailment {
        Ailment::Buffered => {
            "switch off response buffering for /events in what stands in front (--proxy NAME shows the lines)"
        }
        Ailment::Compressed => "switch off compression for text/event-stream in what stands in front",
        Ailment::Cut => {
            "let what stands in front wait longer than the heartbeat before it cuts a silent answer, an hour say; or set [stream] heartbeat in tidings.toml to less than its patience"
        }
        Ailment::NoHeartbeat => {
            "something collects small writes: switch off buffering and filters that rewrite bodies in what stands in front"
        }
        Ailment::LastEventId => {
            "pass the request header Last-Event-ID on: without it a browser misses what was published while it was away"
        }
        Ailment::Authorization => "pass the request header Authorization on",
        Ailment::Cookie => "pass the request header Cookie on",
        Ailment::Query => "pass the query string on as it is, and cache nothing: the topics stand in it",
        Ailment::CacheControl => {
            "leave the answer's Cache-Control as the hub sends it: no-cache, no-transform"
        }
        Ailment::ClientAddress => {
            "add X-Forwarded-For in what stands in front, and name it in [proxies] trusted of tidings.toml"
        }
        Ailment::OldHttp => "speak HTTP/1.1 to the hub",
        Ailment::NoHttp2 => "offer h2 by ALPN in what speaks TLS",
        Ailment::Cors => "leave the answer's Access-Control headers as the hub sends them",
        Ailment::CorsTwice => {
            "let only the hub send Access-Control headers, and what stands in front add none"
        }
        Ailment::Origin => "pass the request header Origin on",
        Ailment::Crowd => {
            "raise the limits of connections and of open files in what stands in front, or [limits] in tidings.toml"
        }
        Ailment::Upstream => "is the hub running, and has what stands in front the right address of it?",
        Ailment::Head => "let HEAD through like GET",
    }
}
