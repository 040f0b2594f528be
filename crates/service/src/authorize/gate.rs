//! The decision about one permission: what is asked, what the request says about itself, and what the policies say.

use std::borrow::Cow;
use std::future::Future;
use std::sync::LazyLock;

use sesame_domain::tag::ResourceType;
use sesame_domain::{AccountId, Tag};
use sesame_policy::{
    Action, Basis, Caller, ConditionKey, Decision, Effect, Policies, PolicySet, Request, Resource, Value, Values,
    decide, permits,
};
use sesame_store::tags;
use smallvec::SmallVec;

use crate::access::PoliciesAtHand;
use crate::context::Context;
use crate::denial::Denial;
use crate::error::{Code, Result};
use crate::keys::LoadedKey;
use crate::operation::Operation;
use crate::registry::Product;
use crate::request::Identity;
use crate::secrets::LoadedSecret;

/// What somebody without policies is granted.
static NOTHING: LazyLock<PolicySet> = LazyLock::new(PolicySet::default);

/// Asks for the permissions of one call.
#[derive(Debug)]
pub(crate) struct Gate<'a> {
    pub(super) cx: &'a Context<'a>,
    asks: Asks<'a>,
    /// The policies of the caller; none for the root of an account.
    identity: Option<PoliciesAtHand>,
}

/// What an operation says about the permissions that it needs.
#[derive(Clone, Copy, Debug)]
struct Asks<'a> {
    operation: &'static str,
    product: &'static str,
    also_of: Option<&'static str>,
    supplies_key_tags: bool,
    encryption_algorithm: Option<&'a str>,
    request_tags: &'a [Tag],
    denial: Code,
}

/// What a permission is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct On<'a> {
    /// The product, as ARNs name it.
    pub(super) product: &'a str,
    /// The region; empty for RAM.
    pub(super) region: &'a str,
    /// The account in the ARN.
    pub(super) account: &'a str,
    /// The account that owns the resource; the one in the ARN but for what the service itself owns.
    pub(super) owner: &'a str,
    /// The spellings of the name; none for no resource.
    pub(super) names: &'a [&'a str],
    /// The resource, when it was found and has policies and tags of its own.
    pub(super) found: Found<'a>,
}

/// A resource that was found.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    Nothing,
    Key(&'a LoadedKey),
    Secret(&'a LoadedSecret),
}

impl Found<'_> {
    fn policy(&self) -> Option<&PolicySet> {
        match self {
            Self::Nothing => None,
            Self::Key(key) => key.policy.as_ref(),
            Self::Secret(secret) => secret.policy.as_ref(),
        }
    }

    async fn tags(&self, cx: &Context<'_>) -> Result<&[Tag]> {
        let (cell, account, kind, name) = match self {
            Self::Nothing => return Ok(&[]),
            Self::Key(key) => (&key.tags, &key.key.account, ResourceType::Key, key.key.id.as_str()),
            Self::Secret(loaded) => {
                (&loaded.tags, &loaded.secret.account, ResourceType::Secret, loaded.secret.name.as_str())
            }
        };
        let read = || async { tags::list(&mut cx.store().reader().await?, account, kind, name).await };
        Ok(cell.get_or_try_init(read).await?)
    }
}

impl<'a> Gate<'a> {
    /// The gate before operation `O`; without a request when another operation does the same for its caller.
    pub(crate) async fn of<O: Operation>(cx: &'a Context<'a>, request: Option<&'a O::Request>) -> Result<Self> {
        let asks = Asks {
            operation: O::NAME,
            product: O::PRODUCT.action_prefix(),
            also_of: O::ALSO_OF,
            supplies_key_tags: O::SUPPLIES_KEY_TAGS,
            encryption_algorithm: request.and_then(O::encryption_algorithm),
            request_tags: request.map_or(&[], O::request_tags),
            denial: O::DENIAL,
        };
        let identity = cx.service.access.policies(cx.principal).await?;
        Ok(Self { cx, asks, identity })
    }

    /// The name of the operation.
    pub(super) fn operation(&self) -> &'static str {
        self.asks.operation
    }

    /// Whether nothing can refuse: the root of an account may do everything to what is in it and has no policy.
    pub(super) fn is_waived(&self, owner: &AccountId, has_policy: bool) -> bool {
        matches!(self.cx.principal.identity, Identity::Root) && *self.cx.account() == *owner && !has_policy
    }

    /// Refuses the call unless the operation itself is allowed on a resource.
    pub(super) fn pass<'s>(&'s self, on: On<'s>) -> impl Future<Output = Result<()>> + Send + 's {
        self.pass_as(self.asks.operation, on)
    }

    /// Refuses the call unless an action of the operation's product is allowed on a resource.
    ///
    /// Most calls are allowed without a look at tags, which is decided before there is anything to wait for.
    pub(super) fn pass_as<'s>(&'s self, action: &'s str, on: On<'s>) -> impl Future<Output = Result<()>> + Send + 's {
        let sets = [self.identity(), self.session(), on.found.policy()];
        let wants_tags = sets.iter().flatten().any(|set| set.wants_resource_tags());
        let decided = if wants_tags { None } else { Some(self.decide(action, on, &[])) };
        let rest = match decided {
            Some(Ok(())) => None,
            decided => Some(Box::pin(async move {
                let decided = match decided {
                    Some(decided) => decided,
                    None => self.decide(action, on, on.found.tags(self.cx).await?),
                };
                match decided {
                    Ok(()) => Ok(()),
                    Err(denial) => Err(denial.into_error(self.cx).await),
                }
            })),
        };
        async { if let Some(rest) = rest { rest.await } else { Ok(()) } }
    }

    /// Whether a policy of the caller explicitly denies the operation on a resource of its account, which a list then
    /// leaves out. What the resource's own policy says is not looked at: that would take a look at each of them.
    pub(crate) async fn denies(&self, kind: ResourceType, name: &str) -> Result<bool> {
        let sets = [self.identity(), self.session()];
        if sets.iter().flatten().next().is_none() {
            return Ok(false);
        }
        let wants_tags = sets.iter().flatten().any(|set| set.wants_resource_tags());
        let tags = if wants_tags {
            tags::list(&mut self.cx.store().reader().await?, self.cx.account(), kind, name).await?
        } else {
            Vec::new()
        };
        let names = [&*format!("{}/{name}", kind.name())];
        let on = On::kms(self.cx, self.cx.account(), &names);
        let facts = Facts { gate: self, on, tags: &tags };
        let actions = self.actions(self.asks.operation);
        let resource = Resource { product: on.product, region: on.region, account: on.account, names: on.names };
        let request = Request { actions: &actions, resource, caller: self.cx.principal.caller(), context: &facts };
        Ok(sets.iter().flatten().any(|set| set.effect(&request, None) == Some(Effect::Deny)))
    }

    fn decide(&self, action: &str, on: On<'_>, tags: &[Tag]) -> std::result::Result<(), Box<Denial>> {
        let facts = Facts { gate: self, on, tags };
        let policies = Policies {
            owner: on.owner,
            identity: self.identity().unwrap_or(&NOTHING),
            session: self.session(),
            resource: on.found.policy(),
        };
        let actions = self.actions(action);
        let resource = Resource { product: on.product, region: on.region, account: on.account, names: on.names };
        let request = Request { actions: &actions, resource, caller: self.cx.principal.caller(), context: &facts };
        if permits(&request, &policies) {
            return Ok(());
        }
        Err(Box::new(self.denied(&request, decide(&request, &policies))))
    }

    /// Whether a policy on a resource would keep the root of its account and the caller from the operation of this
    /// gate, which could replace it.
    pub(crate) fn locks_out(&self, owner: &AccountId, policy: &PolicySet) -> bool {
        let owner = owner.as_str();
        let actions = self.actions(self.asks.operation);
        // The name of the resource plays no part in its own policy.
        let resource = Resource { product: "kms", region: self.cx.region().as_str(), account: owner, names: &[] };
        let on =
            On { product: "kms", region: resource.region, account: owner, owner, names: &[], found: Found::Nothing };
        let facts = Facts { gate: self, on, tags: &[] };
        let root = Caller::Root { account: owner };
        let request = |caller| Request { actions: &actions, resource, caller, context: &facts };
        // The caller has just been allowed to do this by other policies than the new one.
        [root, self.cx.principal.caller()]
            .iter()
            .all(|caller| policy.effect(&request(*caller), Some(owner)) == Some(Effect::Deny))
    }

    /// Refuses the call unless an action of RAM is allowed on a user of the caller's account.
    pub(crate) async fn pass_for_user(&self, action: &str, user: &str) -> Result<()> {
        let account = self.cx.account();
        let names = [&*format!("user/{user}")];
        let asks = Asks { product: Product::Ram.action_prefix(), also_of: None, ..self.asks };
        let gate = Self { cx: self.cx, asks, identity: self.identity.clone() };
        gate.pass_as(action, On::ram(account.as_str(), account, &names)).await
    }

    fn identity(&self) -> Option<&PolicySet> {
        self.identity.as_deref().map(|policies| &policies.set)
    }

    fn session(&self) -> Option<&PolicySet> {
        match &self.cx.principal.identity {
            Identity::Session(session) => session.policy.as_ref(),
            _ => None,
        }
    }

    fn actions<'n>(&self, name: &'n str) -> SmallVec<[Action<'n>; 2]> {
        let product = self.asks.product;
        let products = std::iter::once(product).chain(self.asks.also_of);
        products.map(|product| Action { product, name }).collect()
    }

    fn denied(&self, request: &Request<'_>, decision: Decision) -> Denial {
        let cx = self.cx;
        tracing::debug!(
            request_id = cx.request_id,
            operation = cx.operation.name,
            caller = %request.caller,
            resource = %request.resource,
            basis = ?decision.basis,
            address = %cx.source.address,
            tls = cx.source.secure_transport,
            "denied"
        );
        Denial::new(cx, self.asks.denial, request, decision)
    }
}

/// What a request says about itself (access-control reference, 2.4).
struct Facts<'a> {
    gate: &'a Gate<'a>,
    on: On<'a>,
    tags: &'a [Tag],
}

impl Facts<'_> {
    fn tag<'t>(tags: &'t [Tag], key: &str) -> Option<Value<'t>> {
        let tag = tags.iter().find(|tag| tag.key.as_str() == key)?;
        Some(Value::Text(Cow::Borrowed(tag.value.as_str())))
    }
}

impl sesame_policy::Context for Facts<'_> {
    fn values(&self, key: &ConditionKey) -> Values<'_> {
        let (cx, asks) = (self.gate.cx, &self.gate.asks);
        let value = match key {
            ConditionKey::CurrentTime => Some(Value::Time(cx.now())),
            ConditionKey::SecureTransport => Some(Value::Bool(cx.source.secure_transport)),
            ConditionKey::SourceIp => Some(Value::Address(cx.source.address)),
            ConditionKey::PrincipalArn => Some(Value::Text(cx.principal.caller().to_string().into())),
            ConditionKey::RequestTag(tag) => Self::tag(asks.request_tags, tag),
            ConditionKey::ResourceTag(tag) => Self::tag(self.tags, tag),
            ConditionKey::KmsTag(tag) if asks.supplies_key_tags && matches!(self.on.found, Found::Key(_)) => {
                Self::tag(self.tags, tag)
            }
            ConditionKey::EncryptionAlgorithm => asks.encryption_algorithm.map(|name| Value::Text(Cow::Borrowed(name))),
            // Clouds have these, machines of one's own do not: no VPC, no sign-in to a console.
            ConditionKey::KmsTag(_)
            | ConditionKey::SourceVpc
            | ConditionKey::VpcSourceIp
            | ConditionKey::MfaPresent
            | ConditionKey::Other(_) => None,
        };
        value.into()
    }
}

impl<'a> On<'a> {
    /// A resource of KMS.
    pub(super) fn kms(cx: &'a Context<'_>, account: &'a AccountId, names: &'a [&'a str]) -> Self {
        let account = account.as_str();
        let region = cx.region().as_str();
        Self { product: "kms", region, account, owner: account, names, found: Found::Nothing }
    }

    /// A resource of RAM, of whatever account.
    pub(super) fn ram(account: &'a str, owner: &'a AccountId, names: &'a [&'a str]) -> Self {
        Self { product: "ram", region: "", account, owner: owner.as_str(), names, found: Found::Nothing }
    }

    /// No resource.
    pub(super) fn none(account: &'a AccountId) -> Self {
        let account = account.as_str();
        Self { product: "", region: "", account, owner: account, names: &[], found: Found::Nothing }
    }
}

/// Which kind of refusal a decision is, as the API names it.
pub(crate) fn refusal(basis: &Basis) -> Option<(&'static str, &'static str)> {
    match basis {
        Basis::Allow => None,
        Basis::ExplicitDeny(by) => Some(("ExplicitDeny", by.name())),
        Basis::ImplicitDeny(by) => Some(("ImplicitDeny", by.name())),
    }
}
