//! What is shown to clients, and to whoever validates that this hub answers for a domain.

use std::{collections::HashMap, sync::Arc};

use arc_swap::{ArcSwap, ArcSwapOption};
use tokio_rustls::rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

use super::Pair;

/// What a client speaks that validates a domain, and nothing else then (RFC 8737, section 3).
pub(super) const CHALLENGE: &[u8] = b"acme-tls/1";

/// What is shown.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// `None` as long as there is no certificate.
    pub(super) pair: ArcSwapOption<Pair>,
    /// By the domains that are being validated, in lower case.
    challenges: ArcSwap<HashMap<String, Arc<CertifiedKey>>>,
}

impl Shown {
    pub(super) fn begin_challenge(&self, domain: &str, certified: Arc<CertifiedKey>) {
        self.challenges.rcu(|challenges| {
            let mut challenges = HashMap::clone(challenges);
            challenges.insert(domain.to_ascii_lowercase(), certified.clone());
            challenges
        });
    }

    pub(super) fn end_challenges(&self) {
        self.challenges.store(Arc::default());
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // Whoever speaks HTTP as well is a client, and HTTP is what it comes to.
        if hello.alpn().is_some_and(|protocols| protocols.eq([CHALLENGE])) {
            let domain = hello.server_name()?.to_ascii_lowercase();
            return self.challenges.load().get(&domain).cloned();
        }
        self.pair.load().as_ref().map(|pair| pair.key.clone())
    }
}
