//! The account at the authority: made once, and kept.

use anyhow::Context as _;
use instant_acme::{Account, AccountBuilder, AccountCredentials, Error, NewAccount};
use serde::{Deserialize, Serialize};

use super::store::Store;
use crate::config::Acme;

const FILE: &str = "account.json";
/// The authority knows no account by this key (RFC 8555, section 6.7).
const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// An account, and what it was made for.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    contact: Option<String>,
    credentials: AccountCredentials,
}

/// The account that is kept, or a new one if it was made at another authority or with another contact.
pub(super) async fn open(acme: &Acme, store: &Store) -> anyhow::Result<Account> {
    let unreachable = || format!("{} cannot be asked", acme.directory);
    if let Some(text) = store.read(FILE).await? {
        // What cannot be understood is as good as none.
        let kept = serde_json::from_str::<Kept>(&text).ok();
        let is_for = |kept: &Kept| kept.directory == acme.directory && kept.contact == acme.contact;
        if let Some(kept) = kept.filter(is_for) {
            return client(acme)?.from_credentials(kept.credentials).await.with_context(unreachable);
        }
    }
    let contact: Vec<_> = acme.contact.as_deref().into_iter().collect();
    let account =
        NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
    let (account, credentials) =
        client(acme)?.create(&account, acme.directory.clone(), None).await.with_context(unreachable)?;
    let kept = Kept { directory: acme.directory.clone(), contact: acme.contact.clone(), credentials };
    store.write(FILE, serde_json::to_string(&kept)?).await?;
    Ok(account)
}

/// Whether something failed because the authority does not know the account.
pub(super) fn is_unknown(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(Error::Api(problem)) => problem.r#type.as_deref() == Some(UNKNOWN),
        _ => false,
    }
}

pub(super) async fn forget(store: &Store) -> anyhow::Result<()> {
    store.remove(FILE).await
}

fn client(acme: &Acme) -> anyhow::Result<AccountBuilder> {
    match &acme.ca_file {
        Some(file) => Account::builder_with_root(file)
            .with_context(|| format!("{} is not a certificate in PEM", file.display())),
        None => Account::builder().context("the certificates of this system cannot be used"),
    }
}
