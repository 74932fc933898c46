//! Access tokens (JWT, HS256, 15 minutes by the injected clock) and refresh tokens (random, kept hashed).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use desk_domain::{
    ids::{DeviceId, MemberId, WorkspaceId},
    time::UtcMillis,
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    random::{Random, bytes},
    storage::Digest,
};

/// How long an access token is good.
pub const ACCESS_MS: i64 = 15 * 60_000;
/// How long a refresh token is good when nobody uses it: a field worker's longest time without a network.
pub const REFRESH_MS: i64 = 90 * 24 * 3_600_000;

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    pub sub: MemberId,
    /// In which tenant.
    pub ws: WorkspaceId,
    /// On which device.
    pub dev: DeviceId,
    /// In which session.
    pub sid: Uuid,
    /// When it was given out, in seconds since 1970.
    pub iat: i64,
    /// When it ends, in seconds since 1970.
    pub exp: i64,
}

/// The token is not one of ours, or it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Altered, of another server, or no token at all.
    #[error("the access token is not valid")]
    Invalid,
    /// It was good once.
    #[error("the access token has ended")]
    Expired,
    /// It could not be written: a bug.
    #[error("the access token could not be signed")]
    Unsigned,
}

/// Signs and reads access tokens with this installation's key.
#[derive(Clone)]
pub struct AccessTokens {
    sign: EncodingKey,
    read: DecodingKey,
}

impl std::fmt::Debug for AccessTokens {
    /// Without the key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}

impl AccessTokens {
    /// Tokens under a key of 32 random bytes.
    pub fn new(key: &[u8]) -> Self {
        Self { sign: EncodingKey::from_secret(key), read: DecodingKey::from_secret(key) }
    }

    /// A token that is good from `now` for [`ACCESS_MS`], and when it ends.
    ///
    /// # Errors
    /// [`TokenError::Unsigned`].
    pub fn issue(
        &self,
        member: MemberId,
        workspace: WorkspaceId,
        device: DeviceId,
        session: Uuid,
        now: UtcMillis,
    ) -> Result<(String, UtcMillis), TokenError> {
        let iat = now.0.div_euclid(1000);
        let exp = iat + ACCESS_MS / 1000;
        let claims = Claims { sub: member, ws: workspace, dev: device, sid: session, iat, exp };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .map_err(|_| TokenError::Unsigned)?;
        Ok((token, UtcMillis(exp * 1000)))
    }

    /// What a token says, if it is ours and good at `now`.
    ///
    /// # Errors
    /// [`TokenError::Invalid`] and [`TokenError::Expired`].
    pub fn read(&self, token: &str, now: UtcMillis) -> Result<Claims, TokenError> {
        let mut validation = Validation::new(Algorithm::HS256);
        // The library would ask the machine for the time.
        validation.validate_exp = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.read, &validation)
            .map_err(|_| TokenError::Invalid)?
            .claims;
        if now.0 >= claims.exp.saturating_mul(1000) { Err(TokenError::Expired) } else { Ok(claims) }
    }
}

/// A fresh refresh token: what the device keeps, and what the server keeps.
pub fn refresh_token(random: &dyn Random) -> (String, Digest) {
    let token = URL_SAFE_NO_PAD.encode(bytes::<32>(random));
    let hash = refresh_hash(&token);
    (token, hash)
}

/// What the server keeps of a refresh token. The token is 256 random bits, so a plain hash is enough.
pub fn refresh_hash(token: &str) -> Digest {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use desk_domain::ids::uuid_v7;

    use super::*;

    fn issue(tokens: &AccessTokens, now: UtcMillis) -> String {
        let id = uuid_v7(now, [5; 10]);
        tokens.issue(MemberId(id), WorkspaceId(id), DeviceId(id), id, now).unwrap().0
    }

    #[test]
    fn a_token_is_good_for_a_quarter_of_an_hour() {
        let tokens = AccessTokens::new(&[1; 32]);
        let now = UtcMillis(1_800_000_000_000);
        let token = issue(&tokens, now);
        assert_eq!(tokens.read(&token, now).unwrap().iat, 1_800_000_000);
        assert!(tokens.read(&token, now.plus_ms(ACCESS_MS - 1)).is_ok());
        assert_eq!(tokens.read(&token, now.plus_ms(ACCESS_MS)), Err(TokenError::Expired));
    }

    #[test]
    fn a_foreign_altered_or_unsigned_token_is_refused() {
        let now = UtcMillis(1_800_000_000_000);
        let tokens = AccessTokens::new(&[1; 32]);
        let token = issue(&tokens, now);
        let unsigned = {
            let header = URL_SAFE_NO_PAD.encode(br#"{"typ":"JWT","alg":"none"}"#);
            let claims = token.split('.').nth(1).unwrap();
            format!("{header}.{claims}.")
        };
        let foreign = issue(&AccessTokens::new(&[2; 32]), now);
        for bad in [&token[..token.len() - 2], &unsigned, &foreign, "", "x.y.z"] {
            assert_eq!(tokens.read(bad, now), Err(TokenError::Invalid), "{bad}");
        }
    }
}
