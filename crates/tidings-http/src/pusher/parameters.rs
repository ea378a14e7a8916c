//! The parameters of a request, and what they prove: that it was made now, by whom, and with this body.

use std::{borrow::Cow, collections::BTreeMap};

use aws_lc_rs::hmac;
use http::Method;
use percent_encoding::percent_decode_str;

use super::{
    app::PusherApp,
    failure::{Failure, shown},
};
use crate::form;

/// How far the clock of who signs may be off, either way, in seconds. A request that somebody overheard is good for so
/// long.
const TOLERANCE: u64 = 600;
/// The only version of the signature.
pub(super) const VERSION: &str = "1.0";

const SIGNATURE: &str = "auth_signature";
const BODY: &str = "body_md5";

/// The parameters: by name in lower case, with decoded values. That is the form in which they are signed, whatever the
/// order in which an SDK sends them. It has no `Debug`: a signature is as good as a secret while it lasts.
pub(super) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query string. A parameter that is given twice could be signed for one meaning and read for the other.
    pub(super) fn read(query: &str) -> Result<Self, Failure> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form::fields(query.as_bytes())? {
            let name = name.to_ascii_lowercase();
            if parameters.contains_key(&name) {
                return Err(Failure::bad_request(format!("the parameter {name:?} is given twice")));
            }
            parameters.insert(name, value.into_owned());
        }
        Ok(Self(parameters))
    }

    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Whom the request says it is from.
    pub(super) fn key(&self) -> Result<&str, Failure> {
        self.required("auth_key")
    }

    /// Whether the app signed this, now. `now` is in seconds since 1970.
    pub(super) fn verify(
        &self,
        app: &PusherApp,
        method: &Method,
        path: &str,
        now: u64,
    ) -> Result<(), Failure> {
        let signature = self.required(SIGNATURE)?;
        let time = self.required("auth_timestamp")?;
        if self.required("auth_version")? != VERSION {
            return Err(Failure::unauthorized(format!("the auth_version is not {VERSION}")));
        }
        let is_signed = from_hex(signature)
            .is_some_and(|signature| paths(path).any(|path| self.is_signed(app, method, &path, &signature)));
        if !is_signed {
            return Err(Failure::unauthorized(format!(
                "the signature is wrong: either the secret of the app {:?} is another one here, or the request was \
                 changed on its way, be it the path, which is {} here",
                app.id,
                shown(path)
            )));
        }
        check_time(time, now)
    }

    /// Whether this is the body that was signed.
    pub(super) fn check_body(&self, body: &[u8]) -> Result<(), Failure> {
        match self.get(BODY) {
            // Of an empty body the Python SDK sends the digest, and others nothing.
            None if body.is_empty() => Ok(()),
            None => Err(Failure::unauthorized("body_md5 is missing, so that the body is not signed")),
            Some(digest) if digest.eq_ignore_ascii_case(&format!("{:x}", md5::compute(body))) => Ok(()),
            Some(_) => Err(Failure::unauthorized(
                "body_md5 is not the digest of the body: the body was changed on its way",
            )),
        }
    }

    fn is_signed(&self, app: &PusherApp, method: &Method, path: &str, signature: &[u8]) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, app.secret.expose().as_bytes());
        // In constant time.
        hmac::verify(&key, self.signed_text(method, path).as_bytes(), signature).is_ok()
    }

    /// What the signature is of.
    pub(super) fn signed_text(&self, method: &Method, path: &str) -> String {
        let parameters = self.0.iter().filter(|(name, _)| *name != SIGNATURE);
        let parameters: Vec<_> = parameters.map(|(name, value)| format!("{name}={value}")).collect();
        format!("{method}\n{path}\n{}", parameters.join("&"))
    }

    fn required(&self, name: &str) -> Result<&str, Failure> {
        self.get(name).ok_or_else(|| {
            Failure::unauthorized(format!(
                "{name} is missing: sign the request as the Pusher HTTP API has it, or let an SDK do so"
            ))
        })
    }
}

/// The path as it may have been signed: SDKs sign what they were given, and HTTP clients encode what needs it.
fn paths(path: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let decoded = percent_decode_str(path).decode_utf8().ok();
    [Some(Cow::Borrowed(path)), decoded.filter(|decoded| decoded != path)].into_iter().flatten()
}

fn check_time(time: &str, now: u64) -> Result<(), Failure> {
    let time: u64 =
        time.parse().map_err(|_| Failure::unauthorized("auth_timestamp is no time in seconds since 1970"))?;
    let off = time.abs_diff(now);
    if off <= TOLERANCE {
        return Ok(());
    }
    let way = if time < now { "behind" } else { "ahead of" };
    Err(Failure::unauthorized(format!(
        "auth_timestamp is {off} seconds {way} the clock of this hub, and {TOLERANCE} are allowed: set both clocks right"
    )))
}

/// Bytes that are written in hexadecimal.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    match rest {
        [] => pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tidings_hub::Selection;

    use super::*;
    use crate::pusher::tests::signed;

    fn app(key: &str, secret: &str) -> PusherApp {
        PusherApp { id: "a".into(), key: key.into(), secret: secret.into(), publish: Selection::all() }
    }

    /// Verifies a request line's method and target, with its body, at this time.
    fn verify(app: &PusherApp, method: Method, target: &str, body: &str, now: u64) -> Result<(), String> {
        let (path, query) = target.split_once('?').unwrap();
        let verify = || {
            let parameters = Parameters::read(query)?;
            parameters.verify(app, &method, path, now)?;
            parameters.check_body(body.as_bytes())
        };
        verify().map_err(|Failure { sentence, .. }| sentence)
    }

    /// The example of the HTTP API's documentation.
    #[test]
    fn the_documented_signature_is_good() {
        let app = app("278d425bdf160c739803", "7ad3773142a6692b25b8");
        let body = r#"{"name":"foo","channels":["project-3"],"data":"{\"some\":\"data\"}"}"#;
        let target = "/apps/3/events?body_md5=ec365a775a4cd0599faeb73354201b6f&auth_version=1.0\
                      &auth_key=278d425bdf160c739803&auth_timestamp=1353088179\
                      &auth_signature=da454824c97ba181a32ccc17a72625ba02771f50b50e1e7430e47a1f3f457e6c";
        let verify = |method, target: &str, body: &str| verify(&app, method, target, body, 1_353_088_179);
        assert_eq!(verify(Method::POST, target, body), Ok(()));
        for (method, target, body, says) in [
            (Method::GET, target.to_owned(), body, "the signature is wrong"),
            (Method::POST, target.replace("/3/", "/4/"), body, "/apps/4/events"),
            (Method::POST, target.replace("179", "180"), body, "the signature is wrong"),
            (Method::POST, format!("{target}&info=user_count"), body, "the signature is wrong"),
            (Method::POST, target.to_owned(), "{}", "body_md5 is not the digest"),
            (Method::POST, target.to_owned(), "", "body_md5 is not the digest"),
            (Method::POST, target.replace("7e6c", "7e6"), body, "the signature is wrong"),
            (Method::POST, target.replace("7e6c", "7e6ć"), body, "the signature is wrong"),
            (Method::POST, target.replace("auth_signature", "auth_sign"), body, "auth_signature is missing"),
            (Method::POST, target.replace("auth_timestamp", "time"), body, "auth_timestamp is missing"),
            (Method::POST, target.replace("1.0", "1.1"), body, "auth_version"),
            // The same text is signed, with its body_md5 hidden in another value.
            (
                Method::POST,
                target
                    .replace("1.0", "1.0%26body_md5%3Dec365a775a4cd0599faeb73354201b6f")
                    .replace("body_md5=ec365a775a4cd0599faeb73354201b6f&", ""),
                "",
                "auth_version",
            ),
            (Method::POST, format!("{target}&AUTH_KEY=x"), body, "\"auth_key\" is given twice"),
            (Method::POST, format!("{target}&x=%ff"), body, "UTF-8"),
        ] {
            let sentence = verify(method, &target, body).unwrap_err();
            assert!(sentence.contains(says), "{target}: {sentence}");
            assert!(!sentence.contains("7ad3773142a6692b25b8"), "{sentence}");
        }
    }

    /// As the SDKs sent them.
    #[test]
    fn captured_requests_are_good() {
        let app = app("app-key", "app-secret");
        for (method, target, body) in [
            // Node, pusher 5.3.4: trigger, triggerBatch, and channels with what they are asked for.
            (
                Method::POST,
                "/apps/app-id/events?auth_key=app-key&auth_timestamp=1795202168&auth_version=1.0\
                 &body_md5=116f036a31626d7961521ee301b5757e\
                 &auth_signature=3d1dca924bf9d7bedba8d0ee907fc39cea41ec45c8052c8420eb7edf4637b75e",
                r#"{"name":"message.created","data":"{\"message\":\"Hello from Node!\",\"n\":1}","channels":["messages"]}"#,
            ),
            (
                Method::GET,
                "/apps/app-id/channels?auth_key=app-key&auth_timestamp=1795202168&auth_version=1.0\
                 &filter_by_prefix=presence-&info=user_count\
                 &auth_signature=2447d594b4931cc0735826fe9c82173b2b19f4be4da7f2782f6bdae35ed591b1",
                "",
            ),
            // Laravel 8.83 with pusher-http-php 7.2.6.
            (
                Method::POST,
                "/apps/app-id/events?auth_key=app-key&auth_timestamp=1795202184&auth_version=1.0\
                 &body_md5=833cdaaebe532bfd75c851bc92ff60e1\
                 &auth_signature=5cfd4f1caa90e4d367f3ec717d4b341259d39598874a392d9433f89d582fc422",
                r#"{"name":"App\\Events\\PublicMessageNow","data":"{\"message\":\"Hello from Laravel!\"}","channel":"messages"}"#,
            ),
        ] {
            assert_eq!(verify(&app, method, target, body, 1_795_202_200), Ok(()), "{target}");
        }
    }

    #[test]
    fn clocks_may_be_ten_minutes_apart() {
        let app = app("key", "secret");
        let target = signed(&app, &Method::GET, "/apps/1/channels", &[], 10_000);
        let at = |now| verify(&app, Method::GET, &target, "", now);
        assert_eq!((at(10_000), at(10_600), at(9_400)), (Ok(()), Ok(()), Ok(())));
        assert!(at(10_601).unwrap_err().contains("601 seconds behind"));
        assert!(at(9_399).unwrap_err().contains("601 seconds ahead of"));
        assert!(at(u64::MAX).is_err());
    }

    #[test]
    fn a_body_must_be_signed_and_no_body_may_be() {
        let app = app("key", "secret");
        let target = signed(&app, &Method::GET, "/x", &[(BODY, "d41d8cd98f00b204e9800998ecf8427e")], 1);
        assert_eq!(verify(&app, Method::GET, &target, "", 1), Ok(()));
        let target = signed(&app, &Method::POST, "/x", &[], 1);
        assert_eq!(verify(&app, Method::POST, &target, "", 1), Ok(()));
        assert!(verify(&app, Method::POST, &target, "{}", 1).unwrap_err().contains("body_md5 is missing"));
    }

    #[test]
    fn what_http_clients_encode_was_signed_as_it_was_given() {
        let app = app("key", "secret");
        let target = signed(&app, &Method::POST, "/apps/1/users/ann b/x", &[("info", "a,b c&d")], 1);
        assert!(target.contains("a%2Cb+c%26d"));
        for target in [target.replace("ann b", "ann%20b"), target.replace("%2C", ",").replace('+', "%20")] {
            assert_eq!(verify(&app, Method::POST, &target, "", 1), Ok(()), "{target}");
        }
    }

    proptest! {
        /// Whatever a request holds: without the secret there is no way in, and nothing panics.
        #[test]
        fn nothing_is_accepted_without_the_secret(text in "[\\PC\0\n]{0,80}", secret in "[a-z]{0,12}") {
            let app = app("key", "the-real-secret");
            let digest = format!("{:x}", md5::compute(&text));
            let impostor = self::app("key", &secret);
            for target in [
                format!("/x?{text}"),
                signed(&impostor, &Method::POST, "/x", &[(BODY, &digest)], 1),
                signed(&impostor, &Method::POST, "/x", &[(BODY, &digest), ("info", &text)], 1),
            ] {
                prop_assert!(verify(&app, Method::POST, &target, &text, 1).is_err());
            }
        }

        /// Whatever is changed of a request on its way: it is refused, or what was signed is still the same.
        #[test]
        fn what_is_changed_is_refused(
            text in "[\\PC&=]{0,20}",
            at in any::<prop::sample::Index>(),
            removed in 0..3usize,
            put_in in "[&=%+?/.a-fA-F0-9\\PC]{0,3}",
        ) {
            let app = app("key", "the-real-secret");
            let good = signed(&app, &Method::GET, "/x", &[("info", &text)], 1);
            let at = at.index(good.len());
            let changed: String = [&good[..at], &put_in, &good[good.len().min(at + removed)..]].concat();
            let read = |target: &str| {
                let (path, query) = target.split_once('?')?;
                let parameters = Parameters::read(query).ok()?;
                let is_good = parameters.verify(&app, &Method::GET, path, 1).is_ok();
                Some((is_good, paths(path).map(|path| parameters.signed_text(&Method::GET, &path)).collect()))
            };
            let original: Option<(bool, Vec<String>)> = read(&good);
            let Some((true, original)) = original else { panic!("{good}") };
            if let Some((true, texts)) = read(&changed) {
                prop_assert!(texts.contains(&original[0]), "{changed}");
            }
        }
    }
}
