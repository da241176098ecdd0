//! Logging in: the keys of the target, those of the agent, then the password.

use super::failure::{Failure, FailureKind};
use super::host_key::Greeter;
use super::identity::{Identity, Locked};
use super::known_hosts::fingerprint;
use super::probe::{Probe, Wanted};
use super::ssh::{Refusal, unreachable_host};
use super::target::{Secret, Target};
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKey};
use russh::{MethodKind, MethodSet};
use tokio::net::UnixStream;

/// Logs in. A host that is not trusted, as `distrust` says, is offered keys only: it learns nothing from them
/// that it could use elsewhere.
///
/// # Errors
/// What the host refuses, and keys that would do but cannot be opened.
pub async fn authenticate(
    target: &Target,
    handle: &mut Handle<Greeter>,
    distrust: Option<Failure>,
) -> Result<(), Refusal> {
    let mut login = Login {
        target,
        handle,
        hash: None,
        methods: None,
        offered: vec![],
        locked: None,
        password_tried: false,
        distrust,
    };
    if login.keys().await? || login.password().await? {
        return Ok(());
    }
    Err(Refusal::Final(login.refused()))
}

struct Login<'a> {
    target: &'a Target,
    handle: &'a mut Handle<Greeter>,
    /// What the host says about RSA signatures, once it was asked: the best digest it takes, `None` for SHA-1.
    hash: Option<Option<Option<HashAlg>>>,
    /// What the host says it takes.
    methods: Option<MethodSet>,
    /// The keys that were offered, as words for the user.
    offered: Vec<String>,
    /// A key that stayed locked although the host would take it.
    locked: Option<Failure>,
    password_tried: bool,
    /// Why the host gets no password.
    distrust: Option<Failure>,
}

impl Login<'_> {
    /// Offers all keys; true if one let us in.
    async fn keys(&mut self) -> Result<bool, Refusal> {
        let mut agent = self.agent().await;
        let held = match &mut agent {
            Some(agent) => agent.request_identities().await.unwrap_or_default(),
            None => vec![],
        };
        let target = self.target;
        let files: Vec<_> = target
            .keys
            .iter()
            .map(|path| (path, Identity::read(path)))
            .collect();
        let mut used = vec![];
        for (path, file) in &files {
            match file {
                Ok(identity) => {
                    used.extend(identity.public.clone());
                    let same = |one: &&AgentIdentity| {
                        Some(one.public_key().key_data()) == identity.public.as_ref().map(PublicKey::key_data)
                    };
                    let in_agent = held.iter().find(same);
                    let done = match (&mut agent, in_agent, &identity.key) {
                        (Some(agent), Some(held), None) => self.offer_held(agent, held).await?,
                        _ => self.offer(identity).await?,
                    };
                    if done {
                        return Ok(true);
                    }
                }
                Err(reason) => self
                    .offered
                    .push(format!("{} (cannot be read: {reason})", path.display())),
            }
        }
        let Some(agent) = agent.as_mut().filter(|_| !target.identities_only) else {
            return Ok(false);
        };
        let left = held.iter().filter(|one| {
            !used
                .iter()
                .any(|key| key.key_data() == one.public_key().key_data())
        });
        for one in left {
            if self.offer_held(agent, one).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn agent(&self) -> Option<AgentClient<UnixStream>> {
        AgentClient::connect_uds(self.target.agent.as_ref()?).await.ok()
    }

    /// Offers a key of a file, its certificate first.
    async fn offer(&mut self, identity: &Identity) -> Result<bool, Refusal> {
        let user = self.target.user.clone();
        let known = identity
            .public
            .as_ref()
            .map(|key| format!(" {}", fingerprint(key)));
        self.offered.push(format!(
            "{}{}",
            identity.path.display(),
            known.unwrap_or_default()
        ));
        let key = match (&identity.key, &identity.public) {
            (Some(key), _) => key.clone(),
            // Nobody is asked for the passphrase of a key that the host does not want.
            (None, Some(public)) if !self.is_wanted(public).await? => return Ok(false),
            (None, _) => match identity.unlock(self.target).await {
                Ok(key) => key,
                Err(locked) => {
                    self.locked = Some(self.stays_locked(identity, &locked));
                    return Ok(false);
                }
            },
        };
        if let Some(certificate) = identity.certificate.clone() {
            let call = self
                .handle
                .authenticate_openssh_cert(user.clone(), key.clone(), certificate);
            let result = timed(self.target, call).await?;
            if self.succeeded(result)? {
                return Ok(true);
            }
        }
        let Some(hash) = self.digest_for(key.public_key()).await else {
            return Ok(false);
        };
        let call = self
            .handle
            .authenticate_publickey(user, PrivateKeyWithHashAlg::new(key, hash));
        let result = timed(self.target, call).await?;
        self.succeeded(result)
    }

    /// Offers a key of the agent.
    async fn offer_held(
        &mut self,
        agent: &mut AgentClient<UnixStream>,
        held: &AgentIdentity,
    ) -> Result<bool, Refusal> {
        let public = held.public_key().into_owned();
        self.offered.push(format!(
            "{} of the agent {}",
            held.comment(),
            fingerprint(&public)
        ));
        let Some(hash) = self.digest_for(&public).await else {
            return Ok(false);
        };
        let user = self.target.user.clone();
        let result = match held {
            AgentIdentity::PublicKey { key, .. } => {
                self.handle
                    .authenticate_publickey_with(user, key.clone(), hash, agent)
                    .await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                self.handle
                    .authenticate_certificate_with(user, certificate.clone(), hash, agent)
                    .await
            }
        };
        match result {
            Ok(result) => self.succeeded(result),
            // An agent that does not sign is as good as a key that is not there.
            Err(_) => Ok(false),
        }
    }

    /// Asks the host whether it would take a key.
    async fn is_wanted(&mut self, key: &PublicKey) -> Result<bool, Refusal> {
        let Some(hash) = self.digest_for(key).await else {
            return Ok(false);
        };
        let user = self.target.user.clone();
        let mut probe = Probe;
        let asked = self
            .handle
            .authenticate_publickey_with(user, key.clone(), hash, &mut probe);
        match asked.await {
            Err(Wanted) => Ok(true),
            Ok(result) => self.succeeded(result),
        }
    }

    /// The digest to sign with, which only RSA leaves open (`Some(None)` is SHA-1); nothing if the key is not
    /// to be used.
    async fn digest_for(&mut self, key: &PublicKey) -> Option<Option<HashAlg>> {
        let allowed = &self.target.pubkey_algorithms.plain;
        if !key.algorithm().is_rsa() {
            return allowed.contains(&key.algorithm()).then_some(None);
        }
        let hash = match self.hash {
            Some(hash) => hash,
            None => self.handle.best_supported_rsa_hash().await.ok().flatten(),
        };
        self.hash = Some(hash);
        let allows = |hash: &Option<HashAlg>| allowed.contains(&Algorithm::Rsa { hash: *hash });
        let safe = [Some(HashAlg::Sha512), Some(HashAlg::Sha256)];
        match hash {
            // Who says nothing is old, and takes SHA-1 for sure, the others perhaps.
            None if allows(&None) => Some(None),
            None => safe.into_iter().rev().find(allows),
            Some(None) => allows(&None).then_some(None),
            Some(best) => {
                let safe = safe.into_iter().skip_while(|hash| *hash != best);
                safe.chain([None]).find(allows)
            }
        }
    }

    /// Tries the password, first as such, then as the answer to questions.
    async fn password(&mut self) -> Result<bool, Refusal> {
        let Some(password) = self.target.password.clone() else {
            return Ok(false);
        };
        if self.distrust.is_some() {
            return Ok(false);
        }
        let user = self.target.user.clone();
        if self.target.password_authentication && self.takes(MethodKind::Password) {
            self.password_tried = true;
            let call = self.handle.authenticate_password(user, password.reveal());
            let result = timed(self.target, call).await?;
            if self.succeeded(result)? {
                return Ok(true);
            }
        }
        if self.target.keyboard_interactive && self.takes(MethodKind::KeyboardInteractive) {
            self.password_tried = true;
            return self.interactive(&password).await;
        }
        Ok(false)
    }

    async fn interactive(&mut self, password: &Secret) -> Result<bool, Refusal> {
        let user = self.target.user.clone();
        let call = self
            .handle
            .authenticate_keyboard_interactive_start(user, None::<String>);
        let mut answer = timed(self.target, call).await?;
        // A server that goes on asking does not take the password.
        for _ in 0..4 {
            let prompts = match answer {
                KeyboardInteractiveAuthResponse::Success => return Ok(true),
                KeyboardInteractiveAuthResponse::Failure { .. } => return Ok(false),
                KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => prompts,
            };
            let responses = prompts.iter().map(|_| password.reveal().to_string()).collect();
            let call = self.handle.authenticate_keyboard_interactive_respond(responses);
            answer = timed(self.target, call).await?;
        }
        Ok(false)
    }

    fn takes(&self, method: MethodKind) -> bool {
        self.methods
            .as_ref()
            .is_none_or(|methods| methods.contains(&method))
    }

    /// Notes what the host said. A host that closes the connection takes nothing more.
    fn succeeded(&mut self, result: AuthResult) -> Result<bool, Refusal> {
        match result {
            AuthResult::Success => Ok(true),
            AuthResult::Failure {
                remaining_methods, ..
            } => {
                if remaining_methods.is_empty() && self.handle.is_closed() {
                    return Err(Refusal::Final(self.refused()));
                }
                self.methods = Some(remaining_methods);
                Ok(false)
            }
        }
    }

    fn stays_locked(&self, identity: &Identity, locked: &Locked) -> Failure {
        let (path, name) = (identity.path.display(), &self.target.name);
        let reason = match locked {
            Locked::NoTerminal => "there is no terminal to ask for its passphrase",
            Locked::Wrong => "the passphrase is wrong",
        };
        Failure::new(
            FailureKind::KeyUnreadable,
            format!("the private key {path} for {name} is encrypted, and {reason}"),
            format!(
                "type `ssh-add {path}` first, so that the agent holds it, or set `ansible_ssh_private_key_passphrase`"
            ),
        )
    }

    fn refused(&mut self) -> Failure {
        if let Some(locked) = self.locked.take() {
            return locked;
        }
        if let Some(Failure { kind, message, cure }) = self.distrust.take() {
            let message = format!("{message}; so it gets no password, and it takes none of the keys");
            return Failure::new(kind, message, cure);
        }
        let Target {
            name,
            address,
            port,
            user,
            ..
        } = self.target;
        let place = format!("{user} cannot log in to {name} ({})", self.target.endpoint());
        let takes = self
            .methods
            .as_ref()
            .filter(|methods| !methods.is_empty())
            .map(|methods| {
                let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
                format!(" (it takes {})", names.join(", "))
            });
        let takes = takes.unwrap_or_default();
        if self.password_tried {
            return Failure::new(
                FailureKind::PasswordRefused,
                format!("{place}: the host does not take the password{takes}"),
                "check the user (`ansible_user`) and the password (`ansible_password`, or --ask-pass)",
            );
        }
        if self.target.password.is_some()
            && !(self.target.password_authentication && self.target.keyboard_interactive)
        {
            return Failure::new(
                FailureKind::PasswordRefused,
                format!("{place}: the configuration of ssh does not let the password be given{takes}"),
                "look at PasswordAuthentication, KbdInteractiveAuthentication and PreferredAuthentications in ~/.ssh/config and in the arguments for ssh",
            );
        }
        if self.offered.is_empty() {
            return Failure::new(
                FailureKind::KeyRefused,
                format!("{place}: there is no key to offer{takes}"),
                "name a key with `ansible_ssh_private_key_file` or --private-key, or load one with `ssh-add`",
            );
        }
        let key = self
            .target
            .keys
            .first()
            .map_or("KEY".to_string(), |path| path.display().to_string());
        Failure::new(
            FailureKind::KeyRefused,
            format!(
                "{place}: the host takes none of the keys it was offered: {}{takes}",
                self.offered.join(", ")
            ),
            format!(
                "check the user (`ansible_user`) and the key (`ansible_ssh_private_key_file`); to let the key in, type `ssh-copy-id -i {key} -p {port} {user}@{address}`"
            ),
        )
    }
}

/// Waits for the host no longer than connecting may take.
async fn timed<T>(
    target: &Target,
    call: impl Future<Output = Result<T, russh::Error>>,
) -> Result<T, Refusal> {
    match tokio::time::timeout(target.connect_timeout, call).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(Refusal::of(target, error, "")),
        Err(_) => {
            let seconds = target.connect_timeout.as_secs();
            let reason = format!("no answer to the login in {seconds} seconds");
            Err(unreachable_host(target, &reason).into())
        }
    }
}
