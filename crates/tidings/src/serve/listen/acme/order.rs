//! One order: the domains are validated, and certified.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use instant_acme::{
    Account, AuthorizationStatus, ChallengeType, Identifier, KeyAuthorization, NewOrder, Order, OrderStatus,
    RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use tidings_http::Tls;

/// How long the authority may take for each of its steps.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(90));

/// Orders a certificate for these domains, and answers its new key and its chain, in PEM.
pub(super) async fn fulfil(account: &Account, domains: &[String], tls: &Tls) -> anyhow::Result<String> {
    let identifiers: Vec<_> = domains.iter().cloned().map(Identifier::Dns).collect();
    let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let mut authorization = authorization?;
        // It may have been given for a former order.
        if authorization.status == AuthorizationStatus::Valid {
            continue;
        }
        let mut challenge = authorization
            .challenge(ChallengeType::TlsAlpn01)
            .context("the authority does not validate by tls-alpn-01, which is all that this hub can do")?;
        let domain = challenge.identifier().to_string();
        prepare(&domain, &challenge.key_authorization(), tls)?;
        challenge.set_ready().await?;
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready) => {}
        outcome => return Err(refusal(&mut order, outcome).await),
    }
    let key = order.finalize().await?;
    let chain = order.poll_certificate(&PATIENCE).await?;
    Ok(key + &chain)
}

/// Shows whoever validates the domain what was agreed with the authority (RFC 8737, section 3).
fn prepare(domain: &str, agreed: &KeyAuthorization, tls: &Tls) -> anyhow::Result<()> {
    let mut params = CertificateParams::new([domain.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(agreed.digest().as_ref())];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(tls.begin_challenge(domain, certificate.der().clone(), key.into())?)
}

/// Why the domains were not validated: the authority says it with each of them.
async fn refusal(order: &mut Order, outcome: Result<OrderStatus, instant_acme::Error>) -> anyhow::Error {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        if authorization.refresh().await.is_err() {
            continue;
        }
        let domain = authorization.identifier().to_string();
        let problems = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{domain}: {problem}")));
    }
    match (reasons.is_empty(), outcome) {
        (false, _) => anyhow!(reasons.join("; ")).context("the authority could not validate"),
        (true, Ok(status)) => anyhow!("the authority gives no reason: the order is {status:?}"),
        (true, Err(error)) => anyhow::Error::new(error).context("the authority gives no certificate"),
    }
}
