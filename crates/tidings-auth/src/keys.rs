//! API keys: who has which, and how much each may publish.

use std::{num::NonZeroU32, sync::Arc};

use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock as _, DefaultClock},
};
use tidings_hub::{Bearer, ReadRights, Rights, Selection, Standing};

use crate::{
    digest::Digest,
    grant::{Grant, Holder},
    refusal::{Reason, Refusal},
    secret::Secret,
    settings::Key,
};

/// The keys of a hub.
#[derive(Debug)]
pub(crate) struct Keys(Vec<Known>);

#[derive(Debug)]
struct Known {
    /// Digests are compared, so that the time tells neither length nor beginning of the secret.
    secret: Digest,
    grant: Arc<Grant>,
    rate: Option<Rate>,
}

#[derive(Clone, Debug)]
struct Rate {
    per_second: NonZeroU32,
    limiter: Arc<DefaultDirectRateLimiter>,
}

impl Keys {
    /// The keys, each of which also reads in public what anonymous ones may. A key of the same name in `former` hands on
    /// what is left of its rate; and where it has the same secret and may do no more than this one, those who have come by
    /// it may stay.
    pub(crate) fn new(keys: &[Key], anonymous: &Selection, former: Option<&Self>) -> Self {
        let known = |key: &Key| {
            let former = former.map_or(&[][..], |former| &former.0);
            let holder = Holder::Key(key.name.clone());
            known(key, anonymous, former.iter().find(|former| former.grant.holder == holder))
        };
        Self(keys.iter().map(known).collect())
    }

    /// What those rest on who have come by a key.
    pub(crate) fn standings(&self) -> impl Iterator<Item = &Standing> {
        self.0.iter().map(|known| &known.grant.bearer.standing)
    }

    /// What the key with this secret grants. Every key is compared, so that the time does not tell which it is.
    pub(crate) fn find(&self, secret: &Secret) -> Option<Arc<Grant>> {
        let presented = digest(secret);
        let mut found = None;
        for known in &self.0 {
            if known.secret.is(&presented) {
                found = Some(&known.grant);
            }
        }
        found.cloned()
    }

    /// Takes publications from what the holder's key may publish a second.
    pub(crate) fn take(&self, holder: &Holder, publications: u32) -> Result<(), Refusal> {
        let Holder::Key(name) = holder else { return Ok(()) };
        let Some(count) = NonZeroU32::new(publications) else { return Ok(()) };
        let known = self.0.iter().find(|known| known.grant.holder == *holder);
        let Some(rate) = known.and_then(|known| known.rate.as_ref()) else { return Ok(()) };
        match rate.limiter.check_n(count) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(until)) => {
                let retry_after = until.wait_time_from(DefaultClock::default().now());
                Err(Reason::TooMany { key: name.clone(), retry_after }.into())
            }
            Err(_) => {
                let (key, rate) = (name.clone(), rate.per_second.get());
                Err(Reason::TooManyAtOnce { key, rate, publications }.into())
            }
        }
    }
}

fn known(key: &Key, anonymous: &Selection, former: Option<&Known>) -> Known {
    let read = ReadRights { public: key.subscribe.union(anonymous), private: key.subscribe.clone() };
    let secret = digest(&key.secret);
    let may_stay = |former: &&Known| {
        let before = &former.grant.rights;
        former.secret.is(&secret) && read.includes(&before.read) && key.publish.includes(&before.publish)
    };
    let standing = former.filter(may_stay).map(|former| former.grant.bearer.standing.clone());
    let bearer = Bearer {
        user: None,
        token: Some(format!("key:{}", key.name).into()),
        standing: standing.unwrap_or_else(Standing::until_ended),
    };
    let grant = Grant {
        rights: Rights { publish: key.publish.clone(), read: Arc::new(read) },
        admin: key.admin,
        bearer: Arc::new(bearer),
        holder: Holder::Key(key.name.clone()),
        expires: None,
        payloads: Vec::new(),
        dialect: None,
    };
    let rate = key.rate.map(|per_second| {
        let former = former.and_then(|former| former.rate.clone());
        former.filter(|former| former.per_second == per_second).unwrap_or_else(|| Rate {
            per_second,
            limiter: Arc::new(RateLimiter::direct(Quota::per_second(per_second))),
        })
    });
    Known { secret, grant: Arc::new(grant), rate }
}

fn digest(secret: &Secret) -> Digest {
    Digest::of(&[secret.expose().as_bytes()])
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tidings_hub::{Selector, Topic};

    use super::*;
    use crate::refusal::RefusalKind;

    fn key(name: &str, rate: Option<u32>) -> Key {
        Key {
            name: name.to_owned(),
            secret: format!("the secret of {name}").into(),
            publish: Selection::all(),
            subscribe: Selector::from_text("mine").into_iter().collect(),
            rate: rate.and_then(NonZeroU32::new),
            admin: false,
        }
    }

    #[test]
    fn a_key_is_found_by_its_secret() {
        let keys = Keys::new(&[key("a", None), key("b", None)], &Selection::default(), None);
        let find = |secret: &str| keys.find(&secret.into()).map(|grant| grant.holder.to_string());
        assert_eq!(find("the secret of a"), Some("key \"a\"".to_owned()));
        assert_eq!(find("the secret of b"), Some("key \"b\"".to_owned()));
        assert_eq!(find("the secret of"), None);
        assert_eq!(find(""), None);
    }

    #[test]
    fn a_key_reads_what_it_is_for_and_in_public_what_anybody_may() {
        let keys = Keys::new(&[key("a", None)], &Selection::topic(Topic::new("news").unwrap()), None);
        let read = keys.find(&"the secret of a".into()).unwrap().rights.read.clone();
        assert_eq!((read.public.to_string(), read.private.to_string()), ("mine, news".into(), "mine".into()));
    }

    #[test]
    fn who_may_still_read_what_it_did_stays_and_keeps_its_rate() {
        let none = Selection::default();
        let former = Keys::new(&[key("a", Some(10)), key("b", None), key("c", None)], &none, None);
        former.take(&Holder::Key("a".to_owned()), 10).unwrap();
        let less = Key { subscribe: none.clone(), ..key("b", None) };
        let more = Key { subscribe: Selection::all(), ..key("a", Some(10)) };
        let other = Key { secret: "another".into(), ..key("c", None) };
        let keys = Keys::new(&[more, less, other], &none, Some(&former));
        let same: Vec<bool> = keys.standings().zip(former.standings()).map(|(one, two)| one == two).collect();
        assert_eq!(same, [true, false, false]);
        assert!(keys.take(&Holder::Key("a".to_owned()), 10).is_err());
    }

    #[test]
    fn a_key_publishes_no_more_than_its_rate() {
        let keys = Keys::new(&[key("a", Some(10)), key("b", None)], &Selection::default(), None);
        let take = |name: &str, count| keys.take(&Holder::Key(name.to_owned()), count);
        assert_eq!(take("a", 10), Ok(()));
        let refusal = take("a", 10).unwrap_err();
        assert_eq!(refusal.kind, RefusalKind::TooMany);
        let wait = refusal.retry_after().unwrap();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(matches!(take("a", 11).unwrap_err().reason, Reason::TooManyAtOnce { rate: 10, .. }));
        assert_eq!(take("a", 0), Ok(()));
        assert_eq!(take("b", 1_000_000), Ok(()));
        assert_eq!(keys.take(&Holder::Anonymous, 1_000_000), Ok(()));
    }
}
