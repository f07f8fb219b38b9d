//! The organisation's own provider: what it says of itself, and of somebody who comes back from it. All of the protocol is
//! the crate `openidconnect`'s.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata,
    CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AuthType, AuthorizationCode, ClaimsVerificationError, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields, IssuerUrl,
    Nonce, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope, SignatureVerificationError,
    StandardErrorResponse, StandardTokenResponse, TokenResponse,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::PATH;
use crate::request::{Problem, ProblemKind};
use crate::settings::OidcSettings;

/// What the provider says of itself is believed so long: its addresses and keys.
const BELIEVED: Duration = Duration::from_secs(15 * 60);
/// A provider that didn't answer isn't asked again for so long: whoever comes next needn't wait for nothing.
const LEFT_ALONE: Duration = Duration::from_secs(3);
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// Claims beside the standard's.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OtherClaims(serde_json::Map<String, serde_json::Value>);
impl AdditionalClaims for OtherClaims {}

type Claims = IdTokenClaims<OtherClaims, CoreGenderClaim>;
type Fields = IdTokenFields<
    OtherClaims,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;
type RegistryClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    StandardTokenResponse<Fields, CoreTokenType>,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// Signatures that an ID token may have: those by the provider's own key. Not HMAC by our secret, and never none.
const SIGNATURES: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// The provider that is set.
#[derive(Debug)]
pub struct Provider {
    settings: OidcSettings,
    issuer: IssuerUrl,
    secret: Option<ClientSecret>,
    back_to: RedirectUrl,
    http: reqwest::Client,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Instant, Arc<CoreProviderMetadata>)>,
    failed_at: Option<Instant>,
}

/// What keeps one sign-in together; the browser has none of it but the state.
pub(super) struct Secrets {
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) pkce_verifier: String,
}

/// Who came back, as the provider says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::people) struct Told {
    /// The provider's own and lasting word for the person.
    pub(in crate::people) subject: String,
    /// The claim that names their account, where it is there.
    pub(in crate::people) name: Option<String>,
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words = format!("{words}: {cause}");
        next = cause.source();
    }
    words
}

fn not_accepted() -> Problem {
    Problem::new(ProblemKind::NotSignedIn, "what the provider answered is not accepted")
        .code("identity_not_accepted")
        .remedy("sign in again; if it lasts, whoever keeps the server finds the reason in its log")
}

impl Provider {
    /// From its settings. It is asked for nothing yet.
    ///
    /// # Errors
    /// Words that say which setting can't be used.
    pub fn new(settings: OidcSettings) -> Result<Self, String> {
        let issuer = IssuerUrl::new(settings.issuer.clone()).map_err(|error| format!("oidc.issuer: {error}"))?;
        let back_to = RedirectUrl::new(format!("{}{PATH}/callback", settings.public_url))
            .map_err(|error| format!("oidc.public_url: {error}"))?;
        let secret = settings
            .secret()?
            .map(|secret| ClientSecret::new(secret.reveal().to_owned()));
        let http = reqwest::Client::builder()
            // What it names is asked, and not where that leads on.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(5))
            .timeout(LONGEST_ANSWER)
            .build()
            .map_err(|error| format!("oidc: no way to ask the provider: {}", causes(&error)))?;
        Ok(Self {
            settings,
            issuer,
            secret,
            back_to,
            http,
            known: Mutex::default(),
        })
    }

    pub(in crate::people) fn settings(&self) -> &OidcSettings {
        &self.settings
    }

    fn away(&self, why: &dyn std::error::Error) -> Problem {
        tracing::warn!(issuer = %self.settings.issuer, error = %causes(why), "the provider does not answer");
        self.unavailable()
    }

    fn unavailable(&self) -> Problem {
        Problem::new(
            ProblemKind::Unavailable,
            format!("the provider {} does not answer as it should", self.settings.issuer),
        )
        .code("provider_unavailable")
        .remedy("try again in a moment; if it lasts, tell whoever keeps the provider")
    }

    /// What the provider says of itself, from memory or fresh. Whoever comes while it is asked waits for that answer.
    async fn metadata(&self, fresh: bool) -> Result<Arc<CoreProviderMetadata>, Problem> {
        let mut known = self.known.lock().await;
        if let Some((at, metadata)) = &known.metadata
            && !fresh
            && at.elapsed() < BELIEVED
        {
            return Ok(metadata.clone());
        }
        if known.failed_at.is_some_and(|at| at.elapsed() < LEFT_ALONE) {
            return Err(self.unavailable());
        }
        match CoreProviderMetadata::discover_async(self.issuer.clone(), &self.http).await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *known = Known {
                    metadata: Some((Instant::now(), metadata.clone())),
                    failed_at: None,
                };
                Ok(metadata)
            }
            Err(error) => {
                known.failed_at = Some(Instant::now());
                Err(self.away(&error))
            }
        }
    }

    fn client(&self, metadata: &CoreProviderMetadata) -> RegistryClient {
        let takes = |method| {
            metadata
                .token_endpoint_auth_methods_supported()
                .is_none_or(|methods| methods.contains(&method))
        };
        let how = if takes(CoreClientAuthMethod::ClientSecretBasic) {
            AuthType::BasicAuth
        } else {
            AuthType::RequestBody
        };
        RegistryClient::from_provider_metadata(
            metadata.clone(),
            ClientId::new(self.settings.client_id.clone()),
            self.secret.clone(),
        )
        .set_auth_type(how)
        .set_redirect_uri(self.back_to.clone())
    }

    /// The provider's address at which somebody is to say who they are.
    pub(super) async fn address(&self, secrets: &Secrets) -> Result<String, Problem> {
        let client = self.client(&*self.metadata(false).await?);
        let verifier = PkceCodeVerifier::new(secrets.pkce_verifier.clone());
        let (state, nonce) = (secrets.state.clone(), secrets.nonce.clone());
        let (address, _, _) = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        Ok(address.to_string())
    }

    /// Exchanges the code that somebody came back with, and says who they are.
    pub(super) async fn told(&self, code: String, nonce: &str, pkce_verifier: String) -> Result<Told, Problem> {
        let client = self.client(&*self.metadata(false).await?);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| self.away(&error))?
            .set_pkce_verifier(PkceCodeVerifier::new(pkce_verifier))
            .request_async(&self.http)
            .await
            .map_err(|error| match error {
                RequestTokenError::ServerResponse(answer) => {
                    tracing::warn!(error = %answer.error(), "the provider refused a code");
                    not_accepted()
                }
                other => self.away(&other),
            })?;
        let token = answer.id_token().ok_or_else(|| {
            tracing::warn!("the provider answered without an ID token");
            not_accepted()
        })?;
        let nonce = Nonce::new(nonce.to_owned());
        let claims = match token.claims(&client.id_token_verifier().set_allowed_algs(SIGNATURES), &nonce) {
            // The provider may have changed its keys since it was asked for them.
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey | SignatureVerificationError::CryptoError(_),
            )) => {
                let client = self.client(&*self.metadata(true).await?);
                token.claims(&client.id_token_verifier().set_allowed_algs(SIGNATURES), &nonce)
            }
            verified => verified,
        };
        let claims = claims.map_err(|error| {
            tracing::warn!(error = %causes(&error), "an ID token is not accepted");
            not_accepted()
        })?;
        Ok(Told {
            subject: claims.subject().to_string(),
            name: claim(claims, &self.settings.account_claim),
        })
    }
}

/// A claim that is a text. An e-mail address only where the provider says that it is the person's.
fn claim(claims: &Claims, name: &str) -> Option<String> {
    match name {
        "sub" => Some(claims.subject().to_string()),
        "preferred_username" => claims.preferred_username().map(|name| name.to_string()),
        "email" if claims.email_verified() == Some(true) => claims.email().map(|email| email.to_string()),
        "email" => None,
        other => claims.additional_claims().0.get(other)?.as_str().map(str::to_owned),
    }
}
