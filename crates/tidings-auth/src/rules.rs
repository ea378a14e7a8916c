//! What the configuration says about who may do what: the part of an authority that is exchanged as a whole when the
//! configuration is read anew.

use std::sync::Arc;

use tidings_hub::{Bearer, ReadRights, Rights, Selection, Standing};

use crate::{
    authority::StartError,
    callback::Callback,
    grant::{Grant, Holder},
    issuers::{Former, Issuers},
    keys::Keys,
    settings::{Dialects, Settings},
    verified::Tokens,
};

/// Who may do what.
#[derive(Debug)]
pub(crate) struct Rules {
    settings: Settings,
    pub(crate) is_open: bool,
    pub(crate) dialects: Dialects,
    pub(crate) anonymous: Option<Arc<Grant>>,
    pub(crate) keys: Keys,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) callback: Option<Arc<Callback>>,
}

impl Rules {
    /// What the settings say. Of the rules before these is kept what is still right: key sets that were fetched, answers
    /// that are remembered, what is left of rates, and the [`Standing`] of those whose rights are no less now.
    ///
    /// # Errors
    /// When a key or an address cannot be used.
    pub(crate) fn new(settings: Settings, former: Option<&Self>) -> Result<Self, StartError> {
        let public = public(&settings);
        let anonymous = anonymous(&settings, former).map(Arc::new);
        let keys = Keys::new(&settings.keys, &public, former.map(|former| &former.keys));
        // Whom the application has let in reads what everybody may as well, on the callback's standing.
        let same_callback = former.filter(|former| {
            former.settings.callback == settings.callback && public.includes(&self::public(&former.settings))
        });
        let callback = match same_callback {
            Some(former) => former.callback.clone(),
            None => settings
                .callback
                .as_ref()
                .map(Callback::new)
                .transpose()
                .map_err(StartError::Callback)?
                .map(Arc::new),
        };
        let tokens = tokens(&settings, public, former)?;
        Ok(Self {
            is_open: settings.is_open(),
            dialects: settings.dialects,
            anonymous,
            keys,
            tokens,
            callback,
            settings,
        })
    }

    /// Fetches keys of issuers from now on. Needs a Tokio runtime.
    pub(crate) fn keep_fresh(&self) {
        self.tokens.issuers().keep_fresh();
    }

    /// What everybody rests on who has come by these rules.
    pub(crate) fn standings(&self) -> impl Iterator<Item = &Standing> {
        let anonymous = self.anonymous.iter().map(|grant| &grant.bearer.standing);
        let callback = self.callback.iter().map(|callback| callback.standing());
        anonymous.chain(callback).chain(self.keys.standings()).chain(self.tokens.issuers().standings())
    }
}

/// What everybody may read in public.
fn public(settings: &Settings) -> Selection {
    settings.anonymous.as_ref().map(|anonymous| anonymous.subscribe.clone()).unwrap_or_default()
}

fn tokens(settings: &Settings, public: Selection, former: Option<&Rules>) -> Result<Arc<Tokens>, StartError> {
    let is_same = |former: &&Rules| {
        let of = &former.settings;
        of.issuers == settings.issuers
            && of.dialects == settings.dialects
            && of.base == settings.base
            && self::public(of) == public
    };
    if let Some(former) = former.filter(is_same) {
        return Ok(former.tokens.clone());
    }
    let former = former.map(|former| {
        let (before, now) = (former.settings.dialects, settings.dialects);
        let grants_as_much = former.settings.base == settings.base
            && before.and(now) == before
            && public.includes(&self::public(&former.settings));
        Former { issuers: former.tokens.issuers(), grants_as_much }
    });
    let issuers = Issuers::new(&settings.issuers, settings.dialects, former)?;
    Ok(Arc::new(Tokens::new(issuers, settings.dialects, public, settings.base.clone())))
}

fn anonymous(settings: &Settings, former: Option<&Rules>) -> Option<Grant> {
    let (rights, admin, holder) = if settings.is_open() {
        (Rights::everything(), true, Holder::Everybody)
    } else {
        let anonymous = settings.anonymous.as_ref()?;
        let read = ReadRights { public: anonymous.subscribe.clone(), ..ReadRights::default() };
        let rights = Rights { publish: anonymous.publish.clone(), read: Arc::new(read) };
        (rights, false, Holder::Anonymous)
    };
    let former = former.and_then(|former| former.anonymous.as_ref());
    let may_stay = former.filter(|former| rights.read.includes(&former.rights.read));
    let standing = may_stay.map(|former| former.bearer.standing.clone());
    let bearer = Bearer { standing: standing.unwrap_or_else(Standing::until_ended), ..Bearer::default() };
    let payloads = Vec::new();
    Some(Grant { rights, admin, bearer: Arc::new(bearer), holder, expires: None, payloads, dialect: None })
}
